"""Hostile annotations and damaged images: each row becomes a sample or a reject, nothing raises."""

from __future__ import annotations

import io
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.checked_tables import check_and_merge
from vzero import tables
from vzero.config import Ingest
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.untrusted.rejects import RejectCode

FEW = settings(max_examples=12, deadline=None)
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def encoded(kind: str, **more: Any) -> bytes:
    buffer = io.BytesIO()
    NOISE.save(buffer, kind, **more)
    return buffer.getvalue()


WHOLE = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")]
WHOLE += [encoded("JPEG", progressive=True), encoded("TIFF", compression="tiff_lzw")]


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """Images, whole or with flipped bytes, cut, or continued by another."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for place in draw(st.lists(st.integers(0, len(data) - 1) | st.integers(0, 60), max_size=4)):
        data[place] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        return bytes(data)
    place = draw(st.integers(0, len(data)))
    return bytes(data[:place]) + draw(st.just(b"") | st.sampled_from(WHOLE))[place // 2 :]


ODD_NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -0.0, 2**63, -(10**30), True, 1e-320])
NUMBERS = st.integers(-5, 40) | st.floats(-5, 40) | ODD_NUMBERS
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "<image>",
        "A",
        "\ud800",
        "a\0b",
        "..",
        "/etc/hostname",
        "<b>&amp;",
        "[1, 2, 20, 20]",
        "0x" + "f" * 9,
        "\n",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BOXES = st.just([4, 4, 20, 20]) | st.lists(NUMBERS, min_size=4, max_size=4) | VALUES
IMAGES = st.sampled_from(["0", "1", "2", "../x", "0.png"]) | VALUES


def assert_all_accounted_for(root: Path, source: Any, config: Any, missing_box: str = "reject") -> None:
    """Every row is one sample or one reject, under a known code; the tables are read by their schemas."""
    ingest = Ingest.model_validate({"source": source, source: config, "missing_box": missing_box})
    opened = open_source(source, ingest, Paths(root))
    batches = list(opened.batches)
    rows = sum(batch.rows for batch in batches)
    samples, images, rejects = check_and_merge(
        type(opened)(opened.name, batches, opened.images), ingest, root / "checked"
    )
    tables.Samples.validate(samples)
    tables.Rejects.validate(rejects)
    assert len(samples) + len(rejects) == rows
    assert set(rejects["code"].cast(pl.String)) <= set(RejectCode)
    assert set(samples.select(tables.SHOWN_IMAGES.explode())["image_id"]) == set(images["image_id"])
    assert samples["boxes"].list.len().eq(0).equals(samples["evidence_box"].is_null())
    for box in samples["evidence_box"].drop_nulls():
        assert 0 <= box[0] < box[2] <= 65_535 and 0 <= box[1] < box[3] <= 65_535
    shutil.rmtree(root)


def folder(data: list[bytes], suffix: str = "") -> Path:
    """A new folder of images `images/0`, `images/1`, ..."""
    root = Path(tempfile.mkdtemp(prefix="fuzzed-"))
    (root / "images").mkdir()
    for number, content in enumerate(data):
        (root / f"images/{number}{suffix}").write_bytes(content)
    return root


DAMAGED = st.lists(pictures(), min_size=3, max_size=3)


@FEW
@given(
    data=DAMAGED,
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "image": IMAGES,
                "more": st.just([]) | st.lists(IMAGES, max_size=3) | VALUES,
                "question": st.just("Which?") | VALUES,
                "box": BOXES | st.none(),
                "options": st.none() | st.lists(TEXTS, max_size=4) | VALUES,
                "answer": VALUES,
                "licence": VALUES,
            }
        ),
        min_size=1,
        max_size=6,
    ),
    junk=st.binary(max_size=20),
    missing_box=st.sampled_from(["reject", "keep"]),
)
def test_table_rows_are_all_accounted_for(data, rows, junk, missing_box):
    root = folder(data)
    lines = [json.dumps(row).encode() for row in rows]
    (root / "rows.jsonl").write_bytes(b"\n".join([*lines, junk.replace(b"\n", b"")]))
    names = {"options": "options", "answer": "answer", "licence": "licence", "more_images": "more"}
    found = sorted({key for row in rows for key in row})
    assert set(names.values()) <= set(found)
    table = {"rows": "rows.jsonl", "images": "images", "columns": names}
    assert_all_accounted_for(root, "table", table, missing_box)


@FEW
@given(
    data=DAMAGED,
    images=st.lists(
        st.fixed_dictionaries(
            {"id": st.integers(0, 3) | VALUES, "file_name": IMAGES, "width": st.just(32) | NUMBERS}
        )
        | VALUES,
        max_size=4,
    ),
    annotations=st.lists(
        st.fixed_dictionaries(
            {"image_id": st.integers(0, 3) | VALUES, "category_id": st.integers(1, 4) | VALUES, "bbox": BOXES}
        )
        | VALUES,
        max_size=6,
    ),
)
def test_coco_images_are_all_accounted_for(data, images, annotations):
    root = folder(data)
    whole = [{"id": number, "file_name": str(number), "width": 32, "height": 24} for number in range(3)]
    objects = [{"image_id": 0, "category_id": kind, "bbox": [kind, kind, 11, 11]} for kind in (1, 2)]
    document = {
        "images": [*whole, *images],
        "annotations": [*objects, *annotations],
        "categories": [{"id": number, "name": f"kind {number}"} for number in range(1, 6)],
    }
    (root / "x.json").write_text(json.dumps(document))
    assert_all_accounted_for(root, "coco", {"annotations": "x.json", "images": "images"})


@FEW
@given(
    data=DAMAGED,
    things=st.lists(st.tuples(TEXTS, st.lists(NUMBERS | TEXTS, min_size=4, max_size=4)), max_size=4),
    name=st.sampled_from(["0", "1"]) | TEXTS,
    extent=st.just((32, 24)) | st.tuples(NUMBERS, NUMBERS),
    cut=st.integers(0, 1500),
)
def test_voc_files_are_all_accounted_for(data, things, name, extent, cut):
    root = folder(data)
    (root / "xml").mkdir()

    def tag(name: str, value: Any) -> str:
        return f"<{name}>{value if str(value).startswith('<') else escape(str(value))}</{name}>"

    objects = [("dog", [2, 2, 14, 14]), ("cat", [18, 2, 31, 20]), *things]
    corners = ("xmin", "ymin", "xmax", "ymax")
    inside = "".join(
        tag("object", tag("name", kind) + tag("bndbox", "".join(map(tag, corners, box))))
        for kind, box in objects
    )
    size = "".join(map(tag, ("width", "height"), extent))
    text = tag("annotation", tag("filename", name) + tag("size", size) + inside)
    content = text.encode(errors="surrogatepass")
    (root / "xml/0.xml").write_bytes(content)
    (root / "xml/1.xml").write_bytes(content[:cut])
    assert_all_accounted_for(root, "voc", {"annotations": "xml", "images": "images"})


WORDS = st.sampled_from(["0", "1", "7", "-1", "0.5", "nan", "inf", "1e400", "x", "0x1", "\u0661"]) | TEXTS


@FEW
@given(data=DAMAGED, lines=st.lists(st.lists(WORDS, max_size=9), max_size=5), raw=st.binary(max_size=30))
def test_yolo_labels_are_all_accounted_for(data, lines, raw):
    root = folder(data, ".png")
    (root / "labels").mkdir()
    objects = ["0 0.2 0.2 0.3 0.3", "1 0.7 0.6 0.4 0.5"]
    text = "\n".join([*objects, *(" ".join(line) for line in lines)])
    (root / "labels/0.txt").write_bytes(text.encode(errors="surrogatepass"))
    (root / "labels/1.txt").write_bytes(raw)
    (root / "labels/2.txt").write_text(objects[0])
    (root / "labels/gone.txt").write_text(objects[0])
    (root / "data.yaml").write_text("names: [dog, cat]\ntrain: images\n")
    assert_all_accounted_for(root, "yolo", {"data": "data.yaml"})


@FEW
@given(
    data=DAMAGED,
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "image": IMAGES,
                "kind": st.sampled_from(["dog", "cat"]) | VALUES,
                "box": st.lists(NUMBERS | TEXTS, min_size=4, max_size=4),
                "side": st.just(32) | VALUES,
            }
        ),
        max_size=6,
    ),
    unit=st.sampled_from(["pixel", "fraction"]),
)
def test_rows_of_boxes_are_all_accounted_for(data, rows, unit):
    root = folder(data)
    good = [
        {"image": "0", "kind": kind, "box": [n, n, n + 11, n + 11], "side": 32} for n, kind in enumerate("ab")
    ]
    with (root / "x.jsonl").open("w") as file:
        for row in [*good, *rows]:
            corners = dict(zip(("x1", "y1", "x2", "y2"), row["box"], strict=True))
            kept = {"image": row["image"], "kind": row["kind"], "w": row["side"], "h": 24}
            file.write(json.dumps(kept | corners) + "\n")
    columns = {"image": "image", "category": "kind", "box": ["x1", "y1", "x2", "y2"]}
    columns |= {"width": "w", "height": "h"}
    config = {"rows": "x.jsonl", "images": "images", "columns": columns, "box_unit": unit}
    assert_all_accounted_for(root, "boxes", config)


@FEW
@given(
    rows=st.lists(
        st.tuples(
            pictures(),
            st.lists(st.lists(st.floats(-5, 60, width=32), max_size=5), max_size=4),
            st.lists(st.integers(-1, 4), max_size=4),
        ),
        max_size=4,
    )
)
def test_rows_of_objects_are_all_accounted_for(rows):
    root = folder([])
    good = (WHOLE[0], [[2.0, 2.0, 11.0, 11.0], [18.0, 2.0, 12.0, 12.0]], [0, 1])
    content = [
        {"image": {"bytes": image, "path": None}, "objects": {"bbox": boxes, "category": kinds}}
        for image, boxes, kinds in (good, *rows)
    ]
    pq.write_table(pa.Table.from_pylist(content), root / "x.parquet")
    assert_all_accounted_for(root, "objects", {"rows": "x.parquet", "categories": ["dog", "cat"]})


SHAREGPT, OPENAI = ("from", "value", "human", "gpt"), ("role", "content", "user", "assistant")
SAID = st.lists(
    st.sampled_from(
        [
            "<|box_start|>(2,2),(20,20)<|box_end|>",
            "<box>[2, 2, 20, 20]</box>",
            '[{"bbox_2d": [2, 2, 20, 20]}]',
            "<box>(1,",
            "</ref>",
            "```json",
        ]
    )
    | TEXTS,
    max_size=4,
).map(" ".join)


@FEW
@given(
    data=DAMAGED,
    rows=st.lists(st.tuples(IMAGES, SAID | VALUES, SAID | VALUES), min_size=1, max_size=5),
    unit=st.sampled_from(["pixel", "resized"]),
)
def test_chats_are_all_accounted_for(data, rows, unit):
    root = folder(data)
    with (root / "x.jsonl").open("w") as file:
        for number, (image, asked, answered) in enumerate(rows):
            who, what, one, other = OPENAI if number % 2 else SHAREGPT
            turns = [{who: one, what: asked}, {who: other, what: answered}]
            key = "messages" if number % 2 else "conversations"
            file.write(json.dumps({"image": image, key: turns}) + "\n")
    assert_all_accounted_for(root, "chats", {"rows": "x.jsonl", "images": "images", "box_unit": unit})


PICTURES_OF_TASKS = st.sampled_from(["/data/0.png", "1.png"]) | TEXTS
RESULTS_OF_TASKS = st.fixed_dictionaries({"result": st.lists(VALUES, max_size=3) | VALUES}) | VALUES


@FEW
@given(
    data=DAMAGED,
    tasks=st.lists(
        st.fixed_dictionaries(
            {
                "data": st.fixed_dictionaries({"image": PICTURES_OF_TASKS}) | VALUES,
                "annotations": st.lists(RESULTS_OF_TASKS, max_size=2) | VALUES,
            }
        )
        | VALUES,
        max_size=4,
    ),
    sides=st.lists(st.just(20) | VALUES, min_size=4, max_size=4),
    labels=st.just(["cat"]) | VALUES,
)
def test_tasks_of_label_studio_are_all_accounted_for(data, tasks, sides, labels):
    root = folder(data, ".png")
    where = dict(zip(("x", "y", "width", "height"), sides, strict=True))
    good = {"x": 10, "y": 10, "width": 30, "height": 50, "rectanglelabels": ["dog"]}
    drawn = [{"value": value} for value in (good, where | {"rectanglelabels": labels})]
    task = {"data": {"image": "/data/upload/1/0123abcd-0.png"}, "annotations": [{"result": drawn}]}
    (root / "x.json").write_text(json.dumps([task, *tasks]))
    assert_all_accounted_for(root, "label_studio", {"tasks": "x.json", "images": "images"})


@FEW
@given(
    data=DAMAGED,
    objects=st.dictionaries(
        st.sampled_from(["7", "8", "x"]), st.dictionaries(st.sampled_from("xywh"), NUMBERS) | VALUES
    ),
    rows=st.lists(
        st.fixed_dictionaries(
            {"imageId": IMAGES, "question": st.just("Which?") | VALUES, "answer": VALUES, "types": VALUES}
        )
        | VALUES,
        max_size=4,
    ),
    argument=st.sampled_from(["dog (7)", "dog (7,8)", "dog (-)", "(,)"]) | VALUES,
)
def test_gqa_questions_are_all_accounted_for(data, objects, rows, argument):
    root = folder(data, ".jpg")
    good = {"7": {"x": 2, "y": 2, "w": 9, "h": 9}}
    graphs = {str(number): {"width": 32, "height": 24, "objects": good | objects} for number in range(3)}
    steps = [{"operation": "select", "argument": argument}]
    questions = {
        str(number): row | {"semantic": steps} if isinstance(row, dict) else row
        for number, row in enumerate(rows)
    }
    (root / "graphs.json").write_text(json.dumps(graphs))
    (root / "questions.json").write_text(json.dumps(questions))
    config = {"questions": "questions.json", "scene_graphs": "graphs.json", "images": "images"}
    assert_all_accounted_for(root, "gqa", config)


PRINTED = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@FEW
@given(
    rows=st.lists(
        st.tuples(
            pictures(), st.lists(pictures(), max_size=2), PRINTED, PRINTED, st.none() | st.lists(NUMBERS)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_verl_rows_are_all_accounted_for(rows):
    root = folder([])
    content = [
        {
            "prompt": [{"role": "user", "content": f"<image>\nWhich? {asked}"}],
            "images": [{"bytes": image, "path": None}],
            "teacher_images": [{"bytes": crop, "path": None} for crop in crops],
            "reward_model": {"ground_truth": truth},
            "extra_info": {"bbox": None if box is None else json.dumps(box)},
        }
        for image, crops, asked, truth, box in rows
    ]
    pq.write_table(pa.Table.from_pylist(content), root / "x.parquet")
    assert_all_accounted_for(root, "verl", {"rows": "x.parquet"})


BOUNDED = """
import resource, sys
from pathlib import Path
from tests.checked_tables import check_and_merge
from vzero.config import Ingest, TableSource
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
root = Path(sys.argv[1])
source = TableSource(rows=Path("rows.jsonl"), images=Path("images"))
config = Ingest(source="table", table=source, max_megapixels=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
samples, _, rejects = check_and_merge(open_source("table", config, Paths(root)), config, root / "checked")
print(len(samples), len(rejects), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.long
def test_the_worst_rows_take_bounded_memory(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("1", (9000, 9000)).save(tmp_path / "images/large.png", compress_level=1)
    NOISE.save(tmp_path / "images/good.png")
    good = {"image": "good.png", "question": "Which?", "box": [4, 4, 20, 20]}
    with (tmp_path / "rows.jsonl").open("w") as file:
        for row in (
            good,
            good | {"question": "?" * 2**26},
            good | {"box": [[4, 4, 20, 20]] * 1_000_000},
            good | {"box": "[" + "[]," * 300_000 + "0]"},
            good | {"image": "large.png"},
            good | {"question": "?" * 900_000},
            good,
        ):
            file.write(json.dumps(row) + "\n")
    command = [sys.executable, "-c", BOUNDED, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    samples, rejects, kilobytes = map(int, done.stdout.split())
    assert (samples, rejects) == (1, 6), "the last row is the first again"
    assert kilobytes < 60_000, "the file has 80 megabytes, and as Python objects several times that"
