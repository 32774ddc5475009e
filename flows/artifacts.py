"""What a run shows in Prefect to people: progress, trackers, stages, scores, the report, the promotion.

The lasting copies are files under `data/report`; these live in the server's database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import State

from vzero.config import read_yaml
from vzero.paths import Paths
from vzero.train.tracker_folders import LOOK_AT, look_at, tracker_folder


def publish_stages(states: dict[str, State[Any]]) -> None:
    """Table `stages`: each stage with DVC's verdict."""
    create_table_artifact(key="stages", table=stage_rows(states), description="DVC's verdict on every stage")


def stage_rows(states: dict[str, State[Any]]) -> list[dict[str, str]]:
    """One row a stage; a state's message holds the seconds, or why it failed."""
    return [
        {"stage": stage, "verdict": state.name or state.type.value, "detail": state.message or ""}
        for stage, state in states.items()
    ]


def publish_trackers(root: Path) -> None:
    """Note `trackers`: where training is shown as it goes, when `train.trackers` names any."""
    paths = Paths(root.resolve())
    named = (read_yaml(paths.params).get("train") or {}).get("trackers") or []
    if names := [name for name in named if name in LOOK_AT]:  # `train` itself refuses others
        create_markdown_artifact(
            key="trackers", markdown=trackers_table(names, paths.scratch), description="Training as it goes"
        )


def trackers_table(names: Sequence[str], scratch: Path) -> str:
    """A row a tracker: a link to its folder, and the command to look at it."""
    links = {name: tracker_folder(scratch, name).as_uri() for name in names}
    rows = [f"| [{name}]({link}) | `{look_at(scratch, name)}` |" for name, link in links.items()]
    return "\n".join(["| tracker | look at it |", "|---|---|", *rows])


def publish_report(root: Path) -> None:
    """Table `scores` and link `report`, when the project has a report."""
    paths = Paths(root.resolve())
    if paths.summary.is_file():
        create_table_artifact(
            key="scores", table=score_rows(pl.read_parquet(paths.summary)), description="Headline table, %"
        )
    if paths.report_page.is_file():
        create_link_artifact(key="report", link=paths.report_page.as_uri(), link_text="The report")


def score_rows(summary: pl.DataFrame) -> list[dict[str, str]]:
    """The headline table as text: percent with the interval, and the difference from base in points."""
    return [
        {
            "model": row["model"],
            "benchmark": row["benchmark"],
            "n": str(row["n"]),
            "accuracy": f"{100 * row['accuracy']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]",
            "against base": ""
            if row["delta"] is None
            else f"{row['delta']:+.1f} [{row['delta_low']:+.1f}, {row['delta_high']:+.1f}]",
        }
        for row in summary.iter_rows(named=True)
    ]


def publish_experiment(root: Path, name: str) -> None:
    """Link `experiment-NAME`, when there is a page."""
    page = Paths(root.resolve()).experiment_page(name)
    if page.is_file():
        key = artifact_key(f"experiment-{name}")
        create_link_artifact(key=key, link=page.as_uri(), link_text=f"Experiment {name}")


def publish_audit(root: Path) -> None:
    """Link `audit`, when there is a page."""
    page = Paths(root.resolve()).audit_page
    if page.is_file():
        create_link_artifact(key="audit", link=page.as_uri(), link_text="Self-play: which labels are right")


def publish_promotion(line: str) -> None:
    """Note `promotion`: what the comparison on the held-out samples decided."""
    create_markdown_artifact(
        key="promotion", markdown=line, description="New student against the promoted one"
    )


def progress_log(stage: str) -> Callable[[str], None]:
    """A log that prints every line, and shows the progress of a stage that counts its steps.

    Stages print such a line every few seconds at most.
    """
    shown: list[UUID] = []

    def log(line: str) -> None:
        print(line)
        percent = percent_done(line)
        if percent is None:
            return
        if shown:
            update_progress_artifact(shown[0], progress=percent)
        else:
            created = create_progress_artifact(percent, key=artifact_key(f"{stage}-progress"))
            assert isinstance(created, UUID)
            shown.append(created)

    return log


def percent_done(line: str) -> float | None:
    """From a line such as `train step 30/100 ...` or `cell 2/4 ...`."""
    counted = re.search(r"\b(?:step|cell) (\d+)/([1-9]\d*)\b", line)
    return 100 * int(counted[1]) / int(counted[2]) if counted else None


def artifact_key(name: str) -> str:
    """Prefect takes lowercase letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
