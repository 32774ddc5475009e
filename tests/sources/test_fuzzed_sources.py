"""Hostile annotations and damaged images: each row becomes a sample or a reject, nothing raises."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzzed_rows import (
    BOXES,
    DAMAGED,
    FEW,
    IMAGES,
    NOISE,
    NUMBERS,
    TEXTS,
    VALUES,
    assert_all_accounted_for,
    folder,
    pictures,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


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
