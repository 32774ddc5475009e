"""Objects of pictures that are missing or broken are told too, by every reader that opens pictures."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import written_forms as forms
from filled_squares import project

from vzero.config import Ingest
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.catalogue import open_source

OPENS = [
    (forms.yolo_form, BoxFormat("xywh", "fraction")),
    (forms.boxes_form, BoxFormat("xyxy")),
    (forms.objects_form, BoxFormat("xywh")),
    (forms.label_studio_form, BoxFormat("xywh", "fraction")),
    (forms.phrases_form, BoxFormat("xywh")),
]
READS = [(forms.coco_form, BoxFormat("xywh")), (forms.voc_form, BoxFormat("xyxy"))]


def fates(root: Path, write, truth: BoxFormat) -> tuple[Counter[str], int]:
    """Objects by fate, and how many there are, where one picture is missing and one is no picture."""
    project(root, BoxFormat("xyxy"), rows=12)
    rows = [json.loads(line) for line in (root / "rows.jsonl").read_text().splitlines()]
    source = write(root, rows, truth)
    (root / "images/3.jpg").unlink()
    (root / "images/4.jpg").write_bytes(b"no picture")
    name = forms.FORMS[type(source)]
    opened = open_source(name, Ingest(source=name, **{name: source}), Paths(root))
    items = [item for batch in opened.batches for item in batch.load()]
    return Counter(fate for item in items for _, fate in item.objects), len(rows)


@pytest.mark.parametrize(("write", "truth"), OPENS, ids=lambda value: getattr(value, "__name__", ""))
def test_each_object_has_one_fate_also_where_its_picture_cannot_be_opened(write, truth, tmp_path: Path):
    found, objects = fates(tmp_path, write, truth)
    assert found["no_picture"] == 2
    assert found.total() == objects


@pytest.mark.parametrize(("write", "truth"), READS, ids=lambda value: getattr(value, "__name__", ""))
def test_where_files_tell_the_sides_questions_are_asked_and_the_checks_open_the_picture(
    write, truth, tmp_path: Path
):
    found, objects = fates(tmp_path, write, truth)
    assert (found["no_picture"], found.total()) == (0, objects)
