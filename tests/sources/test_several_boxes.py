"""TreeVGR, SEAL and VGR: several boxes a question, each data set in a convention of its own."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.published_rows import IMAGES, put, read
from vzero.config import Ingest, NeedleSource, Params, SealSource, TreeVgrSource, VgrColumns, VgrSource
from vzero.errors import SourceError
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.stages import ingest

TREE_ROW = {
    "images": ["images/sa_1.jpg"],
    "problem": "<image>Which is larger?\nA. the cup\nB. the jug",
    "answer": "A",
    "target_instances": [
        {"bbox": [20, 10, 60, 40], "name": "cup"},
        {"bbox": [100, 50, 140, 90], "name": "jug"},
    ],
}


def treevgr(root: Path, rows: list[dict]) -> Ingest:
    put(root, "images/sa_1.jpg")
    pl.DataFrame(rows).write_parquet(root / "rl.parquet")
    return Ingest(source="treevgr", treevgr=TreeVgrSource(rows=Path("rl.parquet"), images=IMAGES))


@pytest.mark.parametrize("as_text", [False, True])
def test_treevgr_keeps_every_target_and_their_union(as_text, tmp_path):
    targets = str(TREE_ROW["target_instances"]) if as_text else TREE_ROW["target_instances"]
    [sample], rejects = read(treevgr(tmp_path, [TREE_ROW | {"target_instances": targets}]), tmp_path)
    assert sample["boxes"] == [[20, 10, 60, 40], [100, 50, 140, 90]]
    assert sample["evidence_box"] == [20, 10, 140, 90]
    assert (sample["question"], sample["options"]) == ("Which is larger?", ["the cup", "the jug"])
    assert (sample["answer"], sample["licence"], rejects) == ("A", "Apache-2.0", [])


def test_treevgr_rows_that_are_wrong_are_counted(tmp_path):
    wrong = [
        {"target_instances": []},
        {"target_instances": [{"bbox": [20, 10, 60], "name": "cup"}]},
        {"target_instances": [{"bbox": [120, 50, 40, 40], "name": "xywh"}]},
        {"images": ["images/gone.jpg"]},
    ]
    samples, rejects = read(treevgr(tmp_path, [TREE_ROW, *(TREE_ROW | row for row in wrong)]), tmp_path)
    assert len(samples) == 1
    assert rejects == [(1, "missing_box"), (2, "bad_box"), (3, "bad_box"), (4, "missing_image")]


SEAL_ROW = {
    "image": "gqa/1.jpg",
    "conversations": [
        {
            "from": "human",
            "value": "<image>\nAdditional visual information to focus on: <object>; <object>.\n"
            "Is the cup left of the jug?",
        },
        {"from": "gpt", "value": "Yes, it is."},
        {"from": "human", "value": "And what is right of it?"},
        {"from": "gpt", "value": "The jug."},
    ],
    "search": True,
    "target_instances": [
        {"name": "cup", "bbox": [20.25, 10.5, 40.0, 30.0], "instance_id": 3},
        {"name": "jug", "bbox": [100, 50, 40.5, 40], "instance_id": 4},
    ],
}


def seal(root: Path, **files: list) -> Ingest:
    put(root, "gqa/1.jpg")
    (root / "seal").mkdir()
    for name, rows in files.items():
        (root / f"seal/{name}.json").write_text(json.dumps(rows))
    return Ingest(source="seal", seal=SealSource(rows=Path("seal"), images=IMAGES))


def test_seal_boxes_are_corner_and_size_and_the_question_names_no_targets(tmp_path):
    [sample], rejects = read(seal(tmp_path, GQA_data=[SEAL_ROW]), tmp_path)
    assert sample["boxes"] == [[20.25, 10.5, 60.25, 40.5], [100, 50, 140.5, 90]]
    assert sample["evidence_box"] == [20.25, 10.5, 140.5, 90]
    assert (sample["question"], sample["answer"]) == ("Is the cup left of the jug?", "Yes, it is.")
    assert (sample["category"], rejects) == ("GQA", [])
    assert sample["licence"] == "none stated; images under the terms of COCO and GQA"


def test_seal_reads_every_file_of_the_folder_and_counts_rows_without_boxes(tmp_path):
    without = {key: SEAL_ROW[key] for key in ("image", "conversations")}
    config = seal(
        tmp_path,
        llava_instruct_data=[without],
        vaw_attribute_data=[
            SEAL_ROW,
            SEAL_ROW | {"target_instances": [{"name": "cup", "bbox": [20, 10, -5, 30]}]},
            SEAL_ROW | {"target_instances": [{"name": "cup", "bbox": [190, 10, 40, 30]}]},
            SEAL_ROW | {"conversations": []},
            "no object",
        ],
    )
    [sample], rejects = read(config, tmp_path)
    assert sample["category"] == "vaw_attribute"
    assert rejects == [
        (0, "missing_box"),
        (2, "bad_box"),
        (3, "box_outside"),
        (4, "missing_question"),
        (5, "malformed_row"),
    ]


VGR_ROW = {
    "image": "gqa/images/1.jpg",
    "question": "<image>\nIs the cup left of the jug?",
    "reasoning": "The cup <sot>[0.1, 0.1, 0.3, 0.35]<eot> is left of the jug <sot>[0.5,0.4,0.7,0.75]<eot>, "
    "not of [1, 2, 3, 4].",
    "answer": "Yes",
}


def vgr(root: Path, rows: list[dict], **params) -> Ingest:
    put(root, "gqa/images/1.jpg")
    pl.DataFrame(rows).write_parquet(root / "vgr.parquet")
    return Ingest(source="vgr", vgr=VgrSource(rows=Path("vgr.parquet"), images=IMAGES, **params))


@pytest.mark.parametrize(
    ("unit", "reasoning"),
    [
        ("fraction", VGR_ROW["reasoning"]),
        ("thousandth", "<sot>[100, 100, 300, 350]<eot> and <sot> [500, 400, 700, 750] <eot>"),
        ("pixel", "<sot>[20, 12, 60, 42]<eot><sot>[100, 48, 140, 90]<eot>"),
    ],
)
def test_vgr_finds_every_box_between_tags_at_the_declared_scale(unit, reasoning, tmp_path):
    [sample], _ = read(vgr(tmp_path, [VGR_ROW | {"reasoning": reasoning}], box_unit=unit), tmp_path)
    assert sample["boxes"] == [pytest.approx([20, 12, 60, 42]), pytest.approx([100, 48, 140, 90])]
    assert (sample["question"], sample["answer"]) == ("Is the cup left of the jug?", "Yes")
    assert sample["licence"] == "CC0-1.0 (annotations)"


def test_vgr_read_at_the_wrong_scale_leaves_no_sample_unnoticed(tmp_path):
    thousandths = VGR_ROW | {"reasoning": "<sot>[100, 100, 300, 350]<eot>"}
    samples, rejects = read(vgr(tmp_path, [VGR_ROW, thousandths]), tmp_path)
    assert (len(samples), rejects) == (1, [(1, "box_outside")])


def test_vgr_rows_that_are_wrong_are_counted(tmp_path):
    wrong = [
        {"reasoning": "The cup [0.1, 0.1, 0.3, 0.35] has no tags."},
        {"reasoning": "<sot>[0.1, 0.1, 0.3]<eot>"},
        {"reasoning": "<sot>[here, there, 0.3, 0.4]<eot>"},
        {"reasoning": None},
        {"question": None},
    ]
    samples, rejects = read(vgr(tmp_path, [VGR_ROW, *(VGR_ROW | row for row in wrong)]), tmp_path)
    assert len(samples) == 1
    assert rejects == [
        (1, "missing_box"),
        (2, "bad_box"),
        (3, "bad_box"),
        (4, "missing_box"),
        (5, "missing_question"),
    ]


def test_vgr_columns_can_be_named_as_the_published_file_has_them(tmp_path):
    put(tmp_path, "gqa/images/1.jpg")
    renamed = {"long_reasoning" if key == "reasoning" else key: value for key, value in VGR_ROW.items()}
    columns = VgrColumns(reasoning="long_reasoning")
    [sample], _ = read(vgr(tmp_path, [renamed], columns=columns), tmp_path)
    assert len(sample["boxes"]) == 2


def conversation(question: str, reply: str) -> dict:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": reply}]
    return {"image": "gqa/images/1.jpg", "conversations": turns}


PUBLISHED = conversation(
    "<image>\nIs the cup left of the jug?",
    "<think>The cup <SOT>[0.1, 0.1, 0.3, 0.35]<EOT><image> is left of the jug <SOT>[0.5, 0.4, 0.7, 0.75]<EOT>"
    "<image>.</think>Yes, the cup <SOT>[0.1, 0.1, 0.3, 0.35]<EOT><image> is.",
)


@pytest.mark.parametrize(
    "columns",
    [VgrColumns(), VgrColumns(question="conversations", reasoning="conversations", answer="conversations")],
    ids=["found", "named"],
)
def test_vgr_conversations_hold_question_boxes_and_answer(columns, tmp_path):
    [sample], rejects = read(vgr(tmp_path, [PUBLISHED], columns=columns), tmp_path)
    assert rejects == []
    cup, jug = pytest.approx([20, 12, 60, 42]), pytest.approx([100, 48, 140, 90])
    assert sample["boxes"] == [cup, jug, cup]
    assert (sample["question"], sample["answer"]) == ("Is the cup left of the jug?", "Yes, the cup is.")


def test_vgr_conversations_are_read_as_text_where_the_form_has_no_lists(tmp_path):
    put(tmp_path, "gqa/images/1.jpg")
    cut_off = json.dumps(PUBLISHED["conversations"])[:-9]
    texts = [json.dumps(PUBLISHED["conversations"]), cut_off]
    rows = pl.DataFrame({"image": "gqa/images/1.jpg", "conversations": texts})
    rows.write_csv(tmp_path / "vgr.csv")
    source = VgrSource(rows=Path("vgr.csv"), images=IMAGES)
    [sample], rejects = read(Ingest(source="vgr", vgr=source), tmp_path)
    assert (sample["question"], sample["answer"]) == ("Is the cup left of the jug?", "Yes, the cup is.")
    assert rejects == [(1, "malformed_row")]


def test_vgr_tags_in_capitals_are_read_from_columns_too(tmp_path):
    capitals = VGR_ROW["reasoning"].replace("<sot>", "<SOT>").replace("<eot>", "<EOT><image>")
    [sample], _ = read(vgr(tmp_path, [VGR_ROW | {"reasoning": capitals}]), tmp_path)
    assert len(sample["boxes"]) == 2 and sample["answer"] == "Yes"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("I look <SOT>[0.1, 0.1, 0.3, 0.35]<EOT><image>. It is red.", "I look. It is red."),
        ("<think>I look <SOT>[0.1, 0.1, 0.3, 0.35]<EOT><image>", None),
    ],
)
def test_vgr_the_answer_is_what_follows_the_reasoning(reply, answer, tmp_path):
    [sample], _ = read(vgr(tmp_path, [conversation("Which colour?", reply)]), tmp_path)
    assert sample["answer"] == answer


@pytest.mark.parametrize(
    "orphan",
    [
        "<SOT>",
        "<EOT>",
        "<EOT><image><SOT>",
        "<SOT>[0.5, 0.4, 0.7, 0.75]",
        "[0.5, 0.4, 0.7, 0.75]<EOT><image>",
        "<SOT>[0.1, 0.1, 0.2, 0.2] <SOT>[0.5, 0.4, 0.7, 0.75]<EOT>",
        "<SOT>the jug<EOT>",
        "<SOT><EOT>",
    ],
)
def test_vgr_a_row_with_an_orphan_tag_has_lost_a_box_and_is_counted(orphan, tmp_path):
    cup = "The cup <SOT>[0.1, 0.1, 0.3, 0.35]<EOT><image> is left of the jug "
    samples, rejects = read(vgr(tmp_path, [PUBLISHED, conversation("Where?", cup + orphan)]), tmp_path)
    assert (len(samples), rejects) == (1, [(1, "missing_box" if orphan == "<SOT><EOT>" else "bad_box")])


def test_vgr_files_without_conversations_need_their_columns(tmp_path):
    with pytest.raises(SourceError, match="no column 'reasoning'"):
        read(vgr(tmp_path, [{"image": "gqa/images/1.jpg", "question": "?", "answer": "!"}]), tmp_path)


def test_ingest_says_that_the_scale_of_vgr_is_unverified(tmp_path, capsys):
    config = vgr(tmp_path, [VGR_ROW, VGR_ROW | {"reasoning": "none"}], box_unit="fraction")
    needle = NeedleSource(benchmark_questions=2)
    params = Params(ingest=config.model_copy(update={"needle": needle}))
    summary = ingest.run(params, Paths(tmp_path), processes=1)
    assert (summary["samples"], summary["rejects"]) == (1, {"missing_box": 1})
    printed = " ".join(capsys.readouterr().out.split())
    assert "ingest: vgr: boxes are read as ingest.vgr.box_unit fraction says" in printed
    assert "look at some boxes before training on them" in printed


def test_sources_of_known_scale_warn_of_nothing(tmp_path):
    assert open_source("treevgr", treevgr(tmp_path, [TREE_ROW]), Paths(tmp_path)).notices == ()
