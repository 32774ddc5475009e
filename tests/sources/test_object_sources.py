"""GQA, V*'s folders, COCO and VOC: from files in their published form to checked rows, and hostile files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from vzero import imaging
from vzero.config import CocoSource, GqaSource, Ingest, VocSource, VstarSource
from vzero.paths import Paths
from vzero.sources import spill
from vzero.sources.annotation import SourceError
from vzero.sources.catalogue import open_source


def picture(path: Path, width: int = 200, height: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), sum(path.name.encode()) % 256, np.uint8)
    encode = imaging.encode_png if path.suffix == ".png" else imaging.encode_jpeg
    path.write_bytes(encode(pixels))


def checked(root: Path, **config: Any) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Samples by id with the licence of their image, and code and detail of the rejects in order."""
    [source] = config
    settings = Ingest(source=source, **config, shards=1)
    opened = open_source(settings, Paths(root))
    folder = root / "checked"
    for number, batch in enumerate(opened.batches):
        spill.check_batch(number, batch, opened.images, settings, folder)
    rejects, repeated = spill.collect_rejects(folder, source)
    spill.merge_shard(folder, 0, repeated, folder / "out/images", folder / "out/samples")
    licences = pl.read_parquet(folder / "out/images").select("image_id", "licence")
    samples = pl.read_parquet(folder / "out/samples").join(licences, on="image_id").sort("sample_id")
    return samples.to_dicts(), list(rejects.select("code", "detail").iter_rows())


# GQA


def gqa(root: Path, questions: Any, graphs: Any) -> GqaSource:
    picture(root / "images/2407890.jpg")
    for name, content in (("questions", questions), ("graphs", graphs)):
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        (root / f"{name}.json").write_bytes(text)
    return GqaSource(
        questions=Path("questions.json"), scene_graphs=Path("graphs.json"), images=Path("images")
    )


GRAPH = {
    "2407890": {
        "width": 200,
        "height": 100,
        "location": "living room",
        "objects": {
            "271881": {
                "name": "chair",
                "x": 120,
                "y": 10,
                "w": 50,
                "h": 80,
                "attributes": ["brown"],
                "relations": [{"name": "left of", "object": "279472"}],
            },
            "279472": {
                "name": "table",
                "x": 10,
                "y": 20,
                "w": 30,
                "h": 15,
                "attributes": [],
                "relations": [],
            },
            "broken": {"name": "lamp", "x": 1},
        },
    }
}


def question(*arguments: Any, image: Any = "2407890", **changes: Any) -> dict[str, Any]:
    steps = [{"operation": "select", "argument": argument, "dependencies": []} for argument in arguments]
    asked = {"imageId": image, "question": "What is left of the chair?", "answer": "table"}
    return asked | {"semantic": steps, "types": {"detailed": "relO"}} | changes


def test_gqa_boxes_are_those_of_all_objects_that_the_steps_name(tmp_path):
    steps = ("chair (271881)", "table,to the left of,s (279472)", "chair (271881)", "name")
    source = gqa(tmp_path, {"05515938": question(*steps)}, GRAPH)
    [row], rejects = checked(tmp_path, gqa=source)
    assert rejects == []
    assert row["boxes"] == [[120, 10, 170, 90], [10, 20, 40, 35]]
    assert row["evidence_box"] == [10, 10, 170, 90]
    assert (row["sample_id"], row["answer"], row["category"]) == ("05515938", "table", "relO")
    assert row["licence"] == "CC BY 4.0"


def test_gqa_every_malformed_question_has_its_code_and_spoils_no_other(tmp_path):
    kinds = {
        "scene": (question("scene", "indoors"), "missing_box"),
        "absent": (question("dog (-)", "table (279472)"), "missing_box"),
        "unknown": (question("dog (1)"), "missing_box"),
        "no box": (question("lamp (broken)"), "missing_box"),
        "no steps": (question(semantic="select"), "missing_box"),
        "strange steps": (question(7, None, ["x"]), "missing_box"),
        "no graph": (question("chair (271881)", image="1"), "missing_box"),
        "image number": (question("chair (271881)", image=2407890), "missing_image"),
        "list": ([1], "malformed_row"),
        "no question": (question("chair (271881)", question=None), "missing_question"),
        "answer list": (question("chair (271881)", answer=["x"]), "bad_answer"),
    }
    questions = {"good": question("chair (271881)")} | {name: row for name, (row, _) in kinds.items()}
    samples, rejects = checked(tmp_path, gqa=gqa(tmp_path, questions, GRAPH))
    assert [sample["sample_id"] for sample in samples] == ["good"]
    assert [code for code, _ in rejects] == [code for _, code in kinds.values()]


@pytest.mark.parametrize("box", ['"x": NaN', '"x": -Infinity', '"x": "12"', '"x": null', '"x": [[1]]'])
def test_gqa_a_box_that_is_none_rejects_its_question_only(box, tmp_path):
    graphs = json.dumps(GRAPH).replace('"x": 120', box).encode()
    questions = {"bad": question("chair (271881)"), "good": question("table (279472)")}
    samples, rejects = checked(tmp_path, gqa=gqa(tmp_path, questions, graphs))
    assert [sample["sample_id"] for sample in samples] == ["good"]
    assert [code for code, _ in rejects] == ["bad_box"]


def test_gqa_refuses_boxes_drawn_on_another_size(tmp_path):
    graphs = {"2407890": GRAPH["2407890"] | {"width": 400}}
    _, rejects = checked(tmp_path, gqa=gqa(tmp_path, {"q": question("chair (271881)")}, graphs))
    assert [code for code, _ in rejects] == ["size_mismatch"]


# V*


def vstar(root: Path, name: str, item: Any, image: str = ".jpg") -> VstarSource:
    path = root / "vstar" / name
    picture(path.with_suffix(image))
    path.with_suffix(".json").write_bytes(item if isinstance(item, bytes) else json.dumps(item).encode())
    return VstarSource(images=Path("vstar"))


ITEM = {
    "target_object": ["guitar", "dog"],
    "bbox": [[20, 10, 40, 30], [150, 60, 30, 20]],
    "question": "What is the material of the guitar?",
    "options": ["wood", "plastic", "metal", "glass"],
}


def test_vstar_boxes_are_corner_and_sides_and_the_right_option_is_no_longer_first(tmp_path):
    for number in range(20):
        source = vstar(tmp_path, f"direct_attributes/sa_{number}", ITEM)
    vstar(tmp_path, "relative_position/sa_1", ITEM | {"bbox": [[20, 10, 40, 30]], "target_object": ["dog"]})
    rows, rejects = checked(tmp_path, vstar=source)
    assert rejects == [] and len(rows) == 21
    assert rows[0]["sample_id"] == "direct_attributes/sa_0" and rows[0]["category"] == "direct_attributes"
    assert rows[0]["boxes"] == [[20, 10, 60, 40], [150, 60, 180, 80]]
    assert rows[-1]["boxes"] == [[20, 10, 60, 40]]
    assert {row["options"]["ABCD".index(row["answer"])] for row in rows} == {"wood"}
    assert {row["answer"] for row in rows} == set("ABCD")


def test_vstar_every_malformed_item_has_its_code(tmp_path):
    kinds = {
        "a": (b"{", "malformed_row"),
        "b": (b'{"question": "\xff"}', "malformed_row"),
        "c": (b"[" * 10**5, "malformed_row"),
        "d": ([ITEM], "malformed_row"),
        "e": (ITEM | {"options": None}, "bad_options"),
        "f": (ITEM | {"options": ["wood", "wood"]}, "bad_options"),
        "g": (ITEM | {"options": {"wood": 1}}, "bad_options"),
        "h": (ITEM | {"bbox": [[1, 2, 3, 4]]}, "bad_box"),
        "i": (ITEM | {"bbox": [[1, 2, float("nan"), 4]] * 2}, "bad_box"),
        "j": (ITEM | {"bbox": [[1, 2, float("inf"), 4]] * 2}, "bad_box"),
        "k": (ITEM | {"bbox": None}, "missing_box"),
        "l": (ITEM | {"bbox": [[190, 90, 300, 300]] * 2}, "box_outside"),
        "m": (ITEM | {"question": 5}, "missing_question"),
    }
    for name, (item, _) in kinds.items():
        source = vstar(tmp_path, f"direct_attributes/{name}", item)
    folder = tmp_path / "vstar/direct_attributes"
    picture(folder / "n.jpg")
    (folder / "o.json").write_text(json.dumps(ITEM))
    (folder / "p.json").write_text(json.dumps(ITEM))
    (folder / "p.png").write_bytes(b"")
    samples, rejects = checked(tmp_path, vstar=source)
    expected = [code for _, code in kinds.values()] + ["missing_box", "missing_image", "unreadable_image"]
    assert samples == [] and [code for code, _ in rejects] == expected


def test_vstar_needs_its_folders(tmp_path):
    (tmp_path / "vstar").mkdir()
    with pytest.raises(SourceError, match="no images and JSON files in direct_attributes"):
        checked(tmp_path, vstar=VstarSource(images=Path("vstar")))


# COCO

KINDS = ["person", "dog", "cup", "kite", "bus"]
CATEGORIES = [{"supercategory": "any", "id": number, "name": name} for number, name in enumerate(KINDS, 1)]
LICENCES = [{"url": "http://x", "id": 3, "name": "Attribution-NonCommercial-NoDerivs License"}]


def instance(category: int, box: Any, image: Any = 7, **changes: Any) -> dict[str, Any]:
    mask = [[10.0, 10.5, 20.0, 10.5, 20.0, 30.0]]
    kept = {"segmentation": mask, "area": 1.5, "iscrowd": 0, "image_id": image, "bbox": box}
    return kept | {"category_id": category, "id": 1000 + category} | changes


def coco(root: Path, *annotations: Any, images: Any = None, text: bytes | None = None, **changes: Any):
    picture(root / "images/000000000007.jpg")
    image = {"license": 3, "file_name": "000000000007.jpg", "width": 200, "height": 100, "id": 7}
    document = {
        "info": {"year": 2017},
        "licenses": LICENCES,
        "images": images if images is not None else [image],
        "annotations": list(annotations),
        "categories": CATEGORIES,
    }
    (root / "instances.json").write_bytes(text if text is not None else json.dumps(document).encode())
    return CocoSource(annotations=Path("instances.json"), images=Path("images"), **changes)


def test_coco_questions_rest_on_single_objects_and_have_one_answer(tmp_path):
    source = coco(
        tmp_path,
        instance(2, [20.5, 10, 30, 20]),
        instance(3, [100, 60.25, 12, 14]),
        instance(1, [150, 5, 20, 50]),
        instance(1, [170, 5, 20, 50]),
        questions_per_image=20,
    )
    rows, rejects = checked(tmp_path, coco=source)
    assert rejects == []
    dog, cup = [20.5, 10.0, 50.5, 30.0], [100.0, 60.25, 112.0, 74.25]
    found = {(row["category"], json.dumps(row["boxes"])) for row in rows}
    assert found == {
        ("seen", json.dumps([dog])),
        ("seen", json.dumps([cup])),
        ("side", json.dumps([dog, cup])),
        ("height", json.dumps([dog, cup])),
    }, "nothing about either of two persons"
    for row in rows:
        answer = row["options"]["ABCD".index(row["answer"])]
        if row["category"] == "seen":
            assert answer == ("dog" if row["boxes"] == [dog] else "cup")
            assert sorted(row["options"]) == sorted([answer, "kite", "bus"]), (
                "what else is there is no option"
            )
        else:
            first = re.search("Is the (dog|cup)", row["question"])
            before = first is not None and first[1] == "dog"
            right = {"side": ("to the left", "to the right"), "height": ("higher", "lower")}[row["category"]]
            assert answer == right[0 if before else 1]
        assert row["licence"] == "Attribution-NonCommercial-NoDerivs License"


def test_coco_prefers_small_objects_and_draws_the_same_whatever_the_order(tmp_path):
    boxes = [instance(number, [10 * number, 10, 12 + 10 * number, 40]) for number in range(1, 4)]
    rows, _ = checked(tmp_path / "a", coco=coco(tmp_path / "a", *boxes, questions_per_image=1))
    again, _ = checked(tmp_path / "b", coco=coco(tmp_path / "b", *boxes[::-1], questions_per_image=1))
    assert rows == again and len(rows) == 1
    many, _ = checked(tmp_path / "c", coco=coco(tmp_path / "c", *boxes, questions_per_image=9, seed=1))
    assert {row["category"] for row in many} == {"seen"}, "boxes that overlap are on no side of each other"
    tiny = coco(tmp_path / "d", instance(2, [5, 5, 8, 40]), instance(3, [50, 5, 80, 40]))
    assert {row["boxes"][0][0] for row in checked(tmp_path / "d", coco=tiny)[0]} == {50}, "8 px is too small"


def test_coco_what_cannot_be_asked_about_is_counted_and_still_there(tmp_path):
    source = coco(
        tmp_path,
        instance(2, [20, 10, 30, 20]),
        instance(2, [60, 10, 30, 20], iscrowd=1, segmentation={"counts": [1, 2], "size": [100, 200]}),
        instance(3, [100, 10, float("nan"), 20]),
        instance(3, [130, 10, 20, 20]),
        instance(4, [1, 2, 3]),
        instance(5, [100, 10, -30, 20]),
        instance(99, [100, 10, 30, 20]),
        instance(1, [100, 10, 30, 20], image=8),
        instance(1, [100, 10, 30, 20], image=[7]),
        "no annotation",
    )
    samples, rejects = checked(tmp_path, coco=source)
    assert samples == [], "a dog beside a crowd of dogs is not the only one"
    codes = ["missing_image", "malformed_row", "malformed_row", "crowd_region"]
    codes += ["bad_box", "bad_box", "bad_box", "malformed_row", "missing_question"]
    assert [code for code, _ in rejects] == codes


def test_coco_images_that_repeat_an_id_have_none_or_are_not_there(tmp_path):
    images = [
        {"id": 7, "file_name": "000000000007.jpg"},
        {"id": "7", "file_name": "other.jpg"},
        {"file_name": "x.jpg"},
        5,
        {"id": 8, "file_name": "../instances.json"},
        {"id": 9, "file_name": None},
        {"id": 10, "file_name": "000000000007.jpg", "width": 100, "height": 50},
    ]
    boxes = [instance(2, [20, 10, 30, 20], image=number) for number in (7, 8, 9, 10)]
    source = coco(tmp_path, *boxes, images=images, questions_per_image=1)
    samples, rejects = checked(tmp_path, coco=source)
    assert len(samples) == 1 and samples[0]["licence"] == "unknown"
    codes = [
        "duplicate_id",
        "malformed_row",
        "malformed_row",
        "path_escape",
        "missing_image",
        "size_mismatch",
    ]
    assert [code for code, _ in rejects] == codes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not readable JSON"),
        (b'{"categories": [{"id": 1, "name": "dog"}], "images": [', "not readable JSON"),
        (b'{"categories": [{"id": 1, "name": "\xff"}]}', "not readable JSON"),
        (b'{"categories": ' + b"[" * 10**6, "more than 64 brackets"),
        (b'{"images": [], "annotations": []}', "no list of categories"),
        (b"[]", "no list of categories"),
        (b'{"categories": {"1": "dog"}}', "no list of categories"),
    ],
    ids=range(7),
)
def test_coco_a_file_that_cannot_be_read_is_named_with_the_reason(text, reason, tmp_path):
    with pytest.raises(SourceError, match=rf"instances\.json: .*{reason}"):
        checked(tmp_path, coco=coco(tmp_path, text=text))


# VOC


def thing(name: str, box: tuple[Any, Any, Any, Any], more: str = "") -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    inside = "".join(f"<{tag}>{value}</{tag}>" for tag, value in corners)
    return f"<object><name>{name}</name><pose>Left</pose>{more}<bndbox>{inside}</bndbox></object>"


def voc(root: Path, **files: str | bytes) -> VocSource:
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    picture(root / "JPEGImages/2007_000027.jpg")
    for name, content in files.items():
        if isinstance(content, str):
            extent = "<size><width>200</width><height>100</height><depth>3</depth></size>"
            content = (
                f"<annotation><filename>2007_000027.jpg</filename>{extent}{content}</annotation>".encode()
            )
        (root / f"Annotations/{name}.xml").write_bytes(content)
    return VocSource(annotations=Path("Annotations"), images=Path("JPEGImages"), questions_per_image=9)


def test_voc_counts_pixels_from_one_and_ends_with_the_last(tmp_path):
    inside = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    part = f"<part><name>head</name><bndbox>{inside}</bndbox></part>"
    source = voc(tmp_path, a=thing("dog", (1, 11, 50, 60), part) + thing("cat", ("101.5", 11, 200, 100)))
    rows, rejects = checked(tmp_path, voc=source)
    assert rejects == [] and {row["category"] for row in rows} == {"side"}, "no other category to offer"
    assert rows[0]["boxes"] == [[0, 10, 50, 60], [100.5, 10, 200, 100]]


def test_voc_exports_that_count_from_zero_write_edges(tmp_path):
    source = voc(tmp_path, a=thing("dog", (0, 10, 50, 60)) + thing("cat", (100, 10, 200, 100)))
    [row], _ = checked(tmp_path, voc=source.model_copy(update={"first_pixel": 0}))
    assert row["boxes"] == [[0, 10, 50, 60], [100, 10, 200, 100]]


def test_voc_difficult_objects_are_not_asked_about_but_are_there(tmp_path):
    difficult = "<difficult>1</difficult>"
    dog, hidden = thing("dog", (1, 1, 50, 60)), thing("dog", (61, 1, 90, 60), difficult)
    other = thing("cat", (1, 1, 50, 60))
    source = voc(tmp_path, a=dog + hidden, b=thing("cat", (1, 1, 50, 60), difficult), c=other)
    samples, rejects = checked(tmp_path, voc=source)
    assert [sorted(sample["options"]) for sample in samples] == [["cat", "dog"]]
    assert [code for code, _ in rejects] == ["missing_question"] * 2


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    + b"]><annotation><filename>&m;</filename></annotation>"
)


def test_voc_every_malformed_file_or_object_has_its_code_and_spoils_no_other(tmp_path):
    good, nan = thing("cat", (101, 11, 150, 60)), float("nan")
    kinds: dict[str, tuple[str | bytes, list[str]]] = {
        "a": (LAUGHS, ["malformed_row"]),
        "b": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', ["malformed_row"]),
        "c": (b"", ["malformed_row"]),
        "d": (b"<annotation><filename>\xff\xfe</filename></annotation>", ["malformed_row"]),
        "e": (b"<annotation><object></annotation>", ["malformed_row"]),
        "f": (b"<html/>", ["malformed_row"]),
        "g": (b'<?xml version="1.0" encoding="nonsense"?><annotation/>', ["malformed_row"]),
        "h": (b"<annotation>" + b"<a>" * 10**5, ["malformed_row"]),
        "i": (b"<annotation/>", ["missing_image"]),
        "j": (
            b"<annotation><filename>../x.jpg</filename>" + good.encode() + b"</annotation>",
            ["path_escape"],
        ),
        "k": (good + thing("dog", (nan, 1, 2, 3)), ["bad_box"]),
        "l": (good + thing("dog", ("inf", 1, 2, 3)), ["bad_box"]),
        "m": (good + thing("dog", ("ten", 1, 2, 3)), ["bad_box"]),
        "n": (good + thing("dog", (1, 1, "", 3)), ["bad_box"]),
        "o": (good + thing("dog", (50, 50, 20, 20)), ["bad_box"]),
        "p": (good + "<object><name>dog</name></object>", ["missing_box"]),
        "q": (good + thing(" ", (1, 1, 20, 30)), ["malformed_row"]),
        "r": ("", ["missing_question"]),
        "s": (good + "<size/>", []),
        "t": (good.replace("150", "900"), ["box_outside"]),
        "u": (
            b"<annotation><filename>2007_000027.jpg</filename><size><width>x</width></size></annotation>",
            ["malformed_row"],
        ),
    }
    source = voc(
        tmp_path, **{name: content for name, (content, _) in kinds.items()}, z=thing("bird", (1, 1, 30, 30))
    )
    samples, rejects = checked(tmp_path, voc=source)
    assert [code for code, _ in rejects if code != "duplicate_id"] == [
        c for _, codes in kinds.values() for c in codes
    ]
    assert {tuple(sample["evidence_box"]) for sample in samples} == {(100, 10, 150, 60), (0, 0, 30, 30)}


def test_voc_needs_files(tmp_path):
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(SourceError, match=r"no \*\.xml file"):
        checked(tmp_path, voc=VocSource(annotations=Path("Annotations"), images=Path("x")))


# Images that are several things at once


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda png, jpeg: png + b"PK\x03\x04" + bytes(60), "sample"),  # an archive behind a PNG
        (lambda png, jpeg: jpeg + b"<script>alert(1)</script>" + png, "sample"),
        (lambda png, jpeg: b"%PDF-1.4\n" + png, "unreadable_image"),
        (lambda png, jpeg: b"GIF89a" + jpeg, "huge_image"),
        (lambda png, jpeg: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable_image"),
        (lambda png, jpeg: b"", "unreadable_image"),
        (lambda png, jpeg: bytes(5000), "unreadable_image"),
    ],
    ids=["zip", "html", "pdf", "gif", "svg", "empty", "zeros"],
)
def test_a_file_of_two_kinds_is_the_image_that_its_first_bytes_say_or_none(build, expected, tmp_path):
    source = vstar(tmp_path, "direct_attributes/a", ITEM)
    pixels = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    data = build(imaging.encode_png(pixels), imaging.encode_jpeg(pixels))
    (tmp_path / "vstar/direct_attributes/a.jpg").write_bytes(data)
    samples, rejects = checked(tmp_path, vstar=source)
    assert ([code for code, _ in rejects] or ["sample"] * len(samples)) == [expected]
