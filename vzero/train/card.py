"""The trained model's card: what it was made from, how and with which data. Figures come later, of `report`.

The card is a part of the stage's output, and equal runs leave equal bytes: it holds no clock, no commit, and
no setting that only says how much a machine holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Params, decisive, dotted
from vzero.models.hashing import CARD, folder_hash
from vzero.pages.cards import fill
from vzero.paths import Paths
from vzero.shards import atomic_path, scan
from vzero.tables import Images, Samples

TEMPLATE = Path(__file__).with_name("trained.md.jinja")
OF_THE_METHOD = {"recipe", "method"}
LOGGED = ("loss", "weight_std", "reward", "response_tokens", "truncated")
EDGE = 10  # steps


@dataclass(frozen=True)
class Ingredient:
    """A model that training began from or learnt from."""

    role: str
    folder: Path
    content: str  # its hash


def ingredients(folders: dict[str, Path], params: Params) -> list[Ingredient]:
    """Base and teacher, hashed: every byte of them is read."""
    frozen = params.train.method.teacher != "none" and params.train.teacher.kind == "frozen"
    roles = {"base": "student", "teacher": "teacher"} if frozen else {"base": "student"}
    named = {role: (getattr(params.models, key), folders[key]) for role, key in roles.items()}
    return [Ingredient(role, name, folder_hash(folder)) for role, (name, folder) in named.items()]


def write_card(
    model: Path,
    made_of: list[Ingredient],
    params: Params,
    data: pl.DataFrame,
    log: pl.DataFrame,
    summary: dict[str, Any],
) -> None:
    """Put the card into the finished folder `model`: of `data_used`, the log and the stage's summary."""
    text = fill(
        TEMPLATE,
        weights=folder_hash(model),
        made_of=made_of,
        teacher=params.train.teacher.kind if params.train.method.teacher != "none" else "none",
        method=dotted(summary["method"]),
        training=dotted(_settings(params)),
        data=data.to_dicts(),
        embedded="needle" in data["source"],
        left_out={code: count for code, count in summary["left_out"].items() if count},
        labels=params.train.method.labels,
        summary=summary,
        log=_course(log.sort("step")),
        edge=EDGE,
    )
    with atomic_path(model / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _settings(params: Params) -> dict[str, Any]:
    train = {name: value for name, value in decisive(params.train).items() if name not in OF_THE_METHOD}
    train["save_precision"] = params.train.save_precision
    return train | params.models.model_dump(mode="json", exclude={"student", "teacher"})


def data_used(paths: Paths, unusable: pl.DataFrame) -> pl.DataFrame:
    """Images and samples that training could use, by source and licence."""
    samples = scan(paths.samples, Samples, ["sample_id", "image_id", "split", "source"])
    licences = scan(paths.images, Images, ["image_id", "licence"])
    used = samples.filter(pl.col("split") == "train").join(unusable.lazy(), on="sample_id", how="anti")
    counted = used.join(licences, on="image_id").group_by("source", "licence")
    return (
        counted.agg(images=pl.col("image_id").n_unique(), samples=pl.len())
        .sort("source", "licence")
        .collect()
    )


def _course(log: pl.DataFrame) -> list[tuple[str, float, float]]:
    """Means over the first and the last steps of what tells how a run went."""
    shown = [name for name in LOGGED if log[name].null_count() < log.height]
    means = [part.select(pl.col(shown).mean()).row(0) for part in (log.head(EDGE), log.tail(EDGE))]
    return list(zip(shown, *means, strict=True))
