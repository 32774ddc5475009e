"""Stored predictions of every kind come out as the same rows, and their traps are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from tests.stored_files import OWN_TEXTS, lmms_eval_samples, own_predictions, vlmevalkit_rows
from vzero.errors import SourceError
from vzero.evaluate.benchmark_tables import benchmark_tables
from vzero.evaluate.comparison import comparison, matched
from vzero.evaluate.reading import graded
from vzero.evaluate.rescore import check_readers, fitting_readers, scores_by_reader
from vzero.evaluate.stored import CELL_LIMIT, UNNAMED, benchmark_in, read_stored

SETTINGS: dict[str, Any] = {"resamples": 200, "confidence": 0.95, "seed": 0}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".xlsx":
        pd.DataFrame(rows).to_excel(path, index=False, engine="openpyxl")
    elif path.suffix == ".tsv":
        pl.DataFrame(rows).write_csv(path, separator="\t")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv", ".json"])
def test_a_vlmevalkit_result_is_read_from_either_format(tmp_path: Path, suffix: str):
    path = written(tmp_path / f"model_HRBench4K{suffix}", vlmevalkit_rows(["B", "It is A.", "B", "A"]))
    rows = read_stored(path).rows
    assert rows["benchmark"].unique().to_list() == ["hrbench_4k"]
    assert rows["item"].to_list() == ["0", "1", "2", "3"]
    assert rows["options"].to_list()[0] == ["rubber", "cotton"]
    assert rows["cycle"].to_list() == ["0", "1", "0", "1"]
    # Both orders of one question are one group.
    assert rows["group"].n_unique() == 2
    assert graded(rows, "vlmevalkit-exact")["hit"].to_list() == [True, True, True, True]


def test_pandas_json_of_columns_is_read_too(tmp_path: Path):
    rows = vlmevalkit_rows(["B", "A"])
    columns = {name: {str(i): row[name] for i, row in enumerate(rows)} for name in rows[0]}
    path = tmp_path / "model_HRBench4K.json"
    path.write_text(json.dumps(columns))
    assert read_stored(path).rows["text"].to_list() == ["B", "A"]


def test_a_missing_option_between_others_moves_no_letter(tmp_path: Path):
    row = {"index": 7, "question": "?", "A": "x", "B": None, "C": "z", "answer": "C", "prediction": "C"}
    rows = read_stored(written(tmp_path / "model_MMStar.json", [row])).rows
    assert rows["options"].to_list() == [["x", None, "z"]]
    assert graded(rows, "vlmevalkit-exact")["hit"].to_list() == [True]


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv"])
def test_lost_and_cut_replies_are_counted(tmp_path: Path, suffix: str):
    long = "B" + " so" * CELL_LIMIT
    rows = vlmevalkit_rows(["None", "nan", long[:CELL_LIMIT], "A"])
    found = read_stored(written(tmp_path / f"model_HRBench4K{suffix}", rows))
    assert found.rows["text"].to_list()[:2] == ["nan", "nan"]
    cut, lost = found.warnings
    assert cut.startswith("1 replies are 32,767 characters long")
    assert lost.startswith("2 replies are missing")


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv"])
def test_cells_are_kept_as_they_are_written_where_the_project_says_so(tmp_path: Path, suffix: str):
    """Options None and 01, and a reply "None", which pandas takes for missing ones and numbers."""
    options = {"A": "None", "B": "01", "C": "NA", "D": None}
    rows = [
        {"index": number, "question": "What is it?", **options, "answer": "A", "prediction": reply}
        for number, reply in enumerate(["None", "A", None])
    ]
    path = written(tmp_path / f"model_MMStar{suffix}", rows)
    as_toolkit, kept = read_stored(path), read_stored(path, na_cells="keep")
    assert as_toolkit.rows["options"][0].to_list() == [None, "1"]
    assert as_toolkit.rows["text"].to_list() == ["nan", "A", "nan"]
    assert kept.rows["options"].to_list() == [["None", "01", "NA"]] * 3
    assert kept.rows["text"].to_list() == ["None", "A", "nan"]
    assert kept.rows["item"].to_list() == ["0", "1", "2"]
    assert kept.warnings[0].startswith("1 replies are missing; a spreadsheet")


@pytest.mark.parametrize("suffix", [".xlsx", ".tsv"])
def test_a_column_of_digits_stays_text(tmp_path: Path, suffix: str):
    rows = vlmevalkit_rows(["01", "2"])
    found = read_stored(written(tmp_path / f"model_HRBench4K{suffix}", rows))
    assert found.rows["text"].to_list() == ["01", "2"]


def test_a_spreadsheet_cuts_what_the_toolkit_wrote_too_long(tmp_path: Path):
    reply = "I think. " * 4_000 + "The answer is B."
    with pytest.warns(UserWarning, match="truncated to 32767 characters"):
        path = written(tmp_path / "model_VStarBench.xlsx", vlmevalkit_rows([reply]))
    found = read_stored(path)
    assert len(found.rows["text"][0]) == CELL_LIMIT < len(reply)
    assert found.warnings[0].startswith("1 replies are 32,767 characters long")


def test_the_columns_of_a_scored_spreadsheet_do_not_matter(tmp_path: Path):
    rows = vlmevalkit_rows(["B", "B"])
    plain = read_stored(written(tmp_path / "model_HRBench4K.xlsx", rows)).rows
    judged = [row | {"hit": 1, "log": "Match Log: A. nan", "A.": "?", "GT": "Z"} for row in rows]
    result = written(tmp_path / "model_HRBench4K_exact_matching_result.xlsx", judged)
    assert read_stored(result).rows.equals(plain)
    assert graded(plain, "vlmevalkit-exact")["hit"].to_list() == [True, False]


def test_mathvistas_choices_and_numbers_are_told_apart(tmp_path: Path):
    fixed = {"question": "Hint: ...", "task": "geometry"}
    rows = [
        fixed
        | {"index": 1, "answer": "8/11", "answer_option": "B", "choices": "['3/11', '8/11']"}
        | {"question_type": "multi_choice", "answer_type": "text", "prediction": "(B)"},
        fixed
        | {"index": 2, "answer": "7", "answer_option": None, "choices": None}
        | {"question_type": "free_form", "answer_type": "integer", "prediction": "7"},
        fixed
        | {"index": 3, "answer": "[1, 2]", "answer_option": None, "choices": None}
        | {"question_type": "free_form", "answer_type": "list", "prediction": "[1, 2]"},
    ]
    read = read_stored(written(tmp_path / "model_MathVista_MINI.xlsx", rows)).rows
    assert read["options"].to_list() == [["3/11", "8/11"], [], []]
    assert read["answer"].to_list() == ["B", "7", "[1, 2]"]
    marks = graded(read, "vlmevalkit-exact")
    # The toolkit compares a list with the word "None".
    assert marks["hit"].to_list() == [True, True, False]
    assert graded(read, "vzero")["hit"].to_list() == [True, True, True]


@pytest.mark.parametrize("with_doc", [True, False])
def test_an_lmms_eval_log_is_read_with_and_without_its_documents(tmp_path: Path, with_doc: bool):
    path = written(tmp_path / "1_samples_vstar_bench.jsonl", lmms_eval_samples(["B", "A"], with_doc=with_doc))
    rows = read_stored(path).rows
    assert rows["benchmark"].unique().to_list() == ["vstar"]
    assert rows["options"].to_list() == [["rubber", "cotton"]] * 2
    assert rows["category"].to_list() == ["direct_attributes"] * 2
    assert rows["answer"].to_list() == ["B", "B"]
    assert graded(rows, "lmms-eval")["hit"].to_list() == [True, False]


def test_our_predictions_get_their_options_from_the_items(tmp_path: Path):
    folder = own_predictions(tmp_path, "base")
    rows = read_stored(folder).rows
    assert rows["text"].to_list() == OWN_TEXTS["base"]
    assert rows["options"].to_list() == [["red", "blue"]] * len(rows)
    assert rows["source"].unique().to_list() == [""]
    assert read_stored(folder / "predictions").rows.equals(rows)
    with pytest.raises(SourceError, match="holds search, not vstar"):
        read_stored(folder, "vstar")


def test_predictions_with_the_column_names_of_earlier_versions_are_read(tmp_path: Path):
    folder = own_predictions(tmp_path, "base")
    rows = read_stored(folder).rows
    for file in folder.rglob("*.parquet"):
        pl.read_parquet(file).rename({"reader": "policy", "wording": "prompt"}).write_parquet(file)
    assert read_stored(folder).rows.equals(rows)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("result.xlsx", "", "not a readable spreadsheet"),
        ("result.xls", "", "a .xls file; expected"),
        ("result.pkl", "", "a .pkl file; expected"),
        ("a.tsv", "index\tanswer\n1\tA\n", "row 1 has no prediction: found index, answer"),
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "no rows found"),
        ("a.jsonl", '{"doc_id": 1}\n', "row 1 has no target: found doc_id"),
        (
            "a.json",
            json.dumps([{"index": 1, "answer": "A", "prediction": reply} for reply in "AB"]),
            "item '1' is there more than once",
        ),
    ],
)
def test_what_is_no_file_of_predictions_is_refused(tmp_path: Path, name: str, content: str, expected: str):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=expected):
        read_stored(tmp_path / name)


def test_a_folder_of_something_else_is_refused_with_what_is_in_it(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match=r"found notes\.txt; expected a folder of our predictions"):
        read_stored(tmp_path)


@pytest.mark.parametrize(
    ("stem", "benchmark"),
    [
        ("Qwen3-VL_VStarBench", "vstar"),
        ("m_HRBench8K", "hrbench_8k"),
        ("m_MME-RealWorld-Lite", "mme_realworld_lite"),
        ("2026_samples_cv_bench_2d", "cv_bench_2d"),
        ("mmstar-tuned_BLINK", "blink"),
        ("m_MMBench_DEV_EN", "mmbench"),
        ("m_BLINK_circular", "blink_circular"),
        ("2026_samples_cv_bench", "cv_bench"),
        ("circular-tuned_POPE", UNNAMED),
        ("research_POPE", UNNAMED),
    ],
)
def test_a_files_name_tells_its_benchmark(stem: str, benchmark: str):
    assert benchmark_in(stem) == benchmark


def test_policies_fit_their_benchmark():
    assert "mmstar-official" in fitting_readers("mmstar")
    assert "mmstar-official" not in fitting_readers("vstar")
    assert "mme-realworld" in fitting_readers("mme_realworld_lite")


def stored(texts: list[str], **columns: Any) -> pl.DataFrame:
    fixed = {
        "benchmark": "vstar",
        "view": "",
        "category": "",
        "l2_category": "",
        "source": "",
        "seed": 0,
        "answer_type": "",
        "cycle": None,
        "question": "?",
    }
    rows = [
        {
            **fixed,
            "item": str(i),
            "group": str(i),
            "options": ["x", "y"],
            "answer": "B",
            "text": text,
            "finish_reason": None,
            **columns,
        }
        for i, text in enumerate(texts)
    ]
    return pl.DataFrame(rows)


def test_open_questions_are_matched_where_the_policy_can_and_unresolved_elsewhere():
    rows = stored(["42", "forty"], options=[], answer="42")
    rows = rows.with_columns(pl.col("options").cast(pl.List(pl.String)))
    assert graded(rows, "vzero").select("hit", "resolved").rows()[0] == (True, True)
    assert graded(rows, "vlmevalkit-exact").select("hit", "resolved").rows() == [(False, False)] * 2


def test_scores_hold_wilsons_interval_and_the_unresolved_share():
    read = graded(stored(["B", "B", "A", "hm"]), "vlmevalkit-exact")
    scores = scores_by_reader({"vlmevalkit-exact": read}, **SETTINGS)
    row = scores.row(0, named=True)
    assert (row["n"], row["accuracy"], row["unresolved"]) == (4, 0.5, 0.25)
    # Wilson, 2 of 4 at 95 %: 0.5 -+ z sqrt(1/16 + z^2/64) / (1 + z^2/4), z = 1.96.
    assert (row["low"], row["high"]) == pytest.approx((0.1500, 0.8500), abs=1e-4)


def test_a_comparison_matches_items_and_counts_the_others():
    one = graded(stored(["A", "A", "B", "B"]), "vlmevalkit-exact")
    other = graded(stored(["B", "B", "B"]), "vlmevalkit-exact")
    pairs = matched(one, other)
    assert (pairs.rows.height, pairs.only_one, pairs.only_other) == (3, 1, 0)
    (row,) = comparison(pairs.rows, **SETTINGS).rows(named=True)
    assert (row["n"], row["one"], row["other"]) == (3, pytest.approx(1 / 3), 1.0)
    assert row["delta"] == pytest.approx(200 / 3)
    assert row["p"] == pytest.approx(0.5)  # two discordant items, both one way: 2 * 0.5^2
    assert row["detectable"] == pytest.approx(200 / 3)  # so few items: no less than all that differ


def test_other_questions_under_the_same_ids_are_refused():
    one = graded(stored(["A"]), "vlmevalkit-exact")
    with pytest.raises(SourceError, match="right answers to 1 items differ, such as vstar 0"):
        matched(one, graded(stored(["A"], answer="A"), "vlmevalkit-exact"))
    with pytest.raises(SourceError, match="1 items of vstar against 1 items of blink"):
        matched(one, graded(stored(["A"], benchmark="blink"), "vlmevalkit-exact"))


def tables(rows: pl.DataFrame) -> dict[str, list[tuple[Any, ...]]]:
    return {title: table.rows() for title, table in benchmark_tables(graded(rows, "vlmevalkit-exact"))}


def with_column(rows: pl.DataFrame, name: str, cells: list[Any]) -> pl.DataFrame:
    return rows.with_columns(pl.Series(name, cells))


def test_most_benchmarks_have_no_numbers_of_their_own():
    assert tables(stored(["B", "A"])) == {}


def test_cv_benchs_numbers_by_source_and_combined():
    right = ["B", "A", "B", "B", "A", "A"]
    rows = with_column(
        stored(right, benchmark="cv_bench"), "source", ["ADE20K"] * 2 + ["COCO"] * 2 + ["Omni3D"] * 2
    )
    # 2D: (1/2 + 2/2) / 2; 3D: 0/2; combined: (3/4 + 0) / 2; micro: 3/6.
    assert tables(rows)["by source"] == [
        *[("ADE20K", 0.5), ("COCO", 1.0), ("Omni3D", 0.0)],
        *[("2D", 0.75), ("3D", 0.0), ("combined", 0.375), ("micro", 0.5)],
    ]
    # Without 3D there is no combination.
    assert [name for name, _ in tables(rows[:4])["by source"]] == ["ADE20K", "COCO", "2D", "micro"]


def test_mme_realworlds_nested_rating_without_its_empty_parts():
    rows = stored(["B", "A", "B"], benchmark="mme_realworld_lite")
    rows = with_column(rows, "category", ["Perception/Monitoring"] * 2 + ["Reasoning/Monitoring"])
    rows = with_column(rows, "l2_category", ["Vehicle/Colour", "Vehicle/Attribute/Size", "Count"])
    assert tables(rows)["rating"] == [
        ("Overall", "", "", pytest.approx(2 / 3)),
        ("Reasoning", "", "", 1.0),
        ("Reasoning", "Monitoring", "", 1.0),
        ("Reasoning", "Monitoring", "count", 1.0),
        ("Perception", "", "", 0.5),
        ("Perception", "Monitoring", "", 0.5),
        ("Perception", "Monitoring", "vehicle/colour", 1.0),
        ("Perception", "Monitoring", "vehicle/attribute", 0.0),
    ]


def test_a_circular_question_counts_if_it_is_right_in_every_rotation():
    rows = with_column(
        stored(["B", "B", "B", "A"], benchmark="mmbench", category="x"),
        "item",
        ["1", "1000001", "2", "1000002"],
    )
    assert tables(rows)["right in every rotation, of 2 questions"] == [("Overall", 0.5), ("x", 0.5)]


def test_several_seeds_are_answers_to_one_item():
    rows = with_column(stored(["B", "A", "B", "B"]), "seed", [0, 1, 0, 1])
    rows = with_column(with_column(rows, "item", ["0", "0", "1", "1"]), "group", ["0", "0", "1", "1"])
    scores = scores_by_reader({"vzero": graded(rows, "vzero")}, **SETTINGS)
    assert (scores["n"][0], scores["accuracy"][0]) == (2, 0.75)
    assert scores["low"][0] < 0.75 < scores["high"][0]


def test_policies_of_open_answers_alone_leave_choices_unread():
    check_readers(["mathvision", "lmms-eval-mmmu"])
    assert graded(stored(["B"]), "mathvision")["resolved"].to_list() == [False]
