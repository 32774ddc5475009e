"""`vzero score` and `vzero compare` as their users type them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from tests.command_line import vzero
from tests.judge_endpoint import Endpoint, serving
from tests.stored_files import own_predictions, vlmevalkit_rows


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as server:
        yield server


def test_a_toolkits_file_is_scored_outside_of_any_project(tmp_path: Path):
    replies = ["B", "A", "leather?", "<answer>A</answer>"]
    (tmp_path / "model_HRBench4K.json").write_text(json.dumps(vlmevalkit_rows(replies)))
    ended = vzero("score", "model_HRBench4K.json", "--out", "scores.parquet", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    table = pl.read_parquet(tmp_path / "scores.parquet")
    assert table["reader"].to_list() == ["vlmevalkit-exact", "lmms-eval", "zoombench", "vzero"]
    exact = table.row(0, named=True)
    assert (exact["n"], exact["accuracy"], exact["unresolved"]) == (4, 0.5, 0.5)
    said = ended.stdout
    assert "25.0 points between readers; more than two are about format, not ability" in said
    lines = [line.split() for line in said.splitlines()]
    # Each order: one of two right under the first reader; one question of two right in both orders.
    assert ["mean", "0.5000", "0.5000"] in lines
    assert ["every", "order", "0.5000"] in lines


def test_a_project_says_how_cells_that_read_none_are_taken(tmp_path: Path):
    """The reply "NA" is the text of option A: missing to pandas, and with it the option."""
    cells = {"index": 0, "question": "?", "A": "NA", "B": "x", "answer": "A", "prediction": "NA"}
    pl.DataFrame([cells]).write_csv(tmp_path / "model_MMStar.tsv", separator="\t")
    accuracies = []
    for reader in ("pandas", "keep"):
        (tmp_path / "params.yaml").write_text(f"ingest: {{na_cells: {reader}}}\n")
        command = ["score", "model_MMStar.tsv", "--reader", "vlmevalkit-exact", "--out", "scores.parquet"]
        assert vzero(*command, cwd=tmp_path).returncode == 0
        accuracies.append(pl.read_parquet(tmp_path / "scores.parquet")["accuracy"].item())
        compared = vzero("compare", "model_MMStar.tsv", "model_MMStar.tsv", cwd=tmp_path).stdout
        assert [f"{accuracies[-1]:.4f}"] * 2 == compared.split("mmstar", 1)[1].split()[2:4], compared
    assert accuracies == [0.0, 1.0]


def test_mmstar_gets_both_of_its_means(tmp_path: Path):
    fixed = {"question": "?", "A": "x", "B": "y", "answer": "A", "category": "math"}
    replies = {("a", 0): "A", ("a", 1): "A", ("a", 2): "B", ("b", 3): "B"}
    rows = [
        fixed | {"index": index, "l2-category": second, "prediction": reply}
        for (second, index), reply in replies.items()
    ]
    (tmp_path / "model_MMStar.json").write_text(json.dumps(rows))
    ended = vzero("score", "model_MMStar.json", "--reader", "mmstar-official", cwd=tmp_path)
    # Micro 2 of 4; macro the mean of 2/3 and 0.
    assert ["all", "0.5000", "0.3333"] in [line.split() for line in ended.stdout.splitlines()]


def test_only_the_named_policies_are_used(tmp_path: Path):
    folder = own_predictions(tmp_path, "base")
    ended = vzero("score", str(folder), "--reader", "vzero", "--reader", "zoombench", cwd=tmp_path)
    said = ended.stdout
    assert said.index("vzero ") < said.index("zoombench ")
    assert "vlmevalkit" not in said


def test_models_of_the_project_are_compared_by_name(tmp_path: Path):
    own_predictions(tmp_path, "base")
    own_predictions(tmp_path, "trained")
    ended = vzero("compare", "base", "trained", "--out", "difference.svg", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines()]
    (row,) = (cells for cells in lines if cells[:2] == ["search", "all"])
    # Base has two of four right, trained all.
    assert row[2:6] == ["4", "0.5000", "1.0000", "+50.0"]
    drawn = (tmp_path / "difference.svg").read_text()
    assert "trained minus base, points" in drawn
    assert "search · glyph" in drawn


def test_a_spreadsheet_gets_its_benchmarks_own_numbers(tmp_path: Path):
    fixed = {"question": "?", "A": "x", "B": "y", "answer": "A", "category": "Count"}
    sources = ["ADE20K", "ADE20K", "COCO"]
    rows = [
        fixed | {"index": index, "source": source, "prediction": "AB"[index % 2]}
        for index, source in enumerate(sources)
    ]
    pd.DataFrame(rows).to_excel(tmp_path / "model_CV-Bench-2D.xlsx", index=False)
    ended = vzero("score", "model_CV-Bench-2D.xlsx", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines()]
    # 1 of 2 and 1 of 1; their mean; all hits.
    for row in (["ADE20K", "0.5000"], ["COCO", "1.0000"], ["2D", "0.7500"], ["micro", "0.6667"]):
        assert row in lines


ASKED = ("--judge-model", "judge-1", "--judge-replies", "replies.parquet", "--reader", "vlmevalkit-exact")


def test_a_judge_reads_what_the_rules_cannot_and_is_not_needed_again(endpoint: Endpoint, tmp_path: Path):
    """Of B, "no idea", "soft" and "soft": two are judged right, the judge too has no idea of the other."""
    replies = ["B", "no idea", "soft", "soft"]
    (tmp_path / "model_HRBench4K.json").write_text(json.dumps(vlmevalkit_rows(replies)))
    endpoint.answers = lambda prompt: "I do not know" if "no idea" in prompt else prompt_letter(prompt)
    command = ("score", "model_HRBench4K.json", *ASKED, "--out", "scores.parquet")
    asked = vzero(*command, "--judge", endpoint.address, cwd=tmp_path, OPENAI_API_KEY="secret")
    assert asked.returncode == 0, asked.stderr
    # The letters' order differs between the rows, so each is another prompt.
    assert len(endpoint.asked) == 3
    assert set(endpoint.keys) == {"Bearer secret"}
    first = pl.read_parquet(tmp_path / "scores.parquet")
    row = first.row(0, named=True)
    assert (row["accuracy"], row["unresolved"]) == (0.75, 0.25)
    assert (row["judged"], row["judge"]) == (2, "judge-1")
    assert "judged by judge-1; its replies are in replies.parquet" in asked.stdout
    # One order: both right; the other: one of two. The table goes by the judge too.
    assert ["mean", "0.7500", "0.7500"] in [line.split() for line in asked.stdout.splitlines()]

    offline = vzero(*command, cwd=tmp_path)
    assert offline.stdout == asked.stdout
    assert pl.read_parquet(tmp_path / "scores.parquet").equals(first)
    gone = vzero(*command, "--judge", "http://127.0.0.1:9/v1", cwd=tmp_path)
    assert gone.stdout == asked.stdout
    assert len(endpoint.asked) == 3


def prompt_letter(prompt: str) -> str:
    """The letter of the option cotton."""
    return next(line[0] for line in prompt.splitlines() if line.endswith(". cotton"))


def test_a_judge_that_is_not_reached_leaves_everything_as_it_was(tmp_path: Path):
    (tmp_path / "model_HRBench4K.json").write_text(json.dumps(vlmevalkit_rows(["B", "soft"])))
    command = [sys.executable, "-m", "vzero", "score", "model_HRBench4K.json", *ASKED]
    # In a process of its own, where warnings are not pytest's.
    ended = subprocess.run(
        [*command, "--judge", "http://127.0.0.1:9/v1"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "judge judge-1 gives no replies and is not asked any further" in ended.stderr
    (row,) = (line.split() for line in ended.stdout.splitlines() if line.startswith("vlmevalkit-exact"))
    # n, accuracy, unresolved, judged
    assert [row[1], row[2], row[5], row[6]] == ["2", "0.5000", "0.5000", "0"]


def test_no_judge_is_asked_unless_one_is_named(endpoint: Endpoint, tmp_path: Path):
    (tmp_path / "model_HRBench4K.json").write_text(json.dumps(vlmevalkit_rows(["soft"])))
    ended = vzero(
        "score", "model_HRBench4K.json", cwd=tmp_path, OPENAI_API_KEY="k", OPENAI_BASE_URL=endpoint.address
    )
    assert ended.returncode == 0
    assert endpoint.asked == []
    assert "judge" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["score", "nowhere"], "nowhere: nothing there; expected a folder of our predictions"),
        (["score", "x.tsv", "--reader", "magic"], "unknown reader 'magic': allowed: vlmevalkit-exact"),
        (["score", "x.tsv", "--out", "x.csv"], "x.csv: scores are written as .parquet"),
        (
            ["score", "x.tsv", "--judge", "http://localhost:1/v1"],
            "needs the name of its model: --judge-model",
        ),
        (["score", "x.tsv", "--judge", "localhost", "--judge-model", "m"], "--judge localhost: expected an"),
        (["score", "x.tsv", "--judge-model", "m"], ".vzero/judge/m.parquet: no stored replies of m"),
        (["score", "x.tsv", "--judge-model", "m", "--judge-replies", "x.csv"], "kept as .parquet"),
        (["compare", "base", "trained"], "no predictions of base there; run evaluate first"),
        (["compare", "a", "b", "--out", "x.pdf"], "x.pdf: pictures are written as .png or .svg"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: list[str], expected: str):
    ended = vzero(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert ended.stderr.count("\n") == 1
