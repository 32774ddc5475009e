"""Files in a published form whose boxes are in another convention stop ingest."""

import json

import pytest
from filled_squares import project
from written_forms import (
    FORMS,
    boxes_form,
    chats_form,
    coco_form,
    label_studio_form,
    objects_form,
    phrases_form,
    voc_form,
    yolo_form,
)

from vzero.config import Ingest, NeedleSource, Params
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.stages import ingest


@pytest.mark.parametrize(
    ("write", "truth", "declared"),
    [
        (coco_form, BoxFormat("xyxy"), "xywh pixel"),
        (coco_form, BoxFormat("xywh", "fraction"), "xywh pixel"),
        (voc_form, BoxFormat("xywh"), "xyxy pixel"),
        (voc_form, BoxFormat("xyxy", "thousandth"), "xyxy pixel"),
        (yolo_form, BoxFormat("xywh"), "xywh fraction"),
        (boxes_form, BoxFormat("xywh"), "xyxy pixel"),
        (boxes_form, BoxFormat("xyxy", "fraction"), "xyxy pixel"),
        (objects_form, BoxFormat("xyxy"), "xywh pixel"),
        (objects_form, BoxFormat("xywh", "thousandth"), "xywh pixel"),
        (label_studio_form, BoxFormat("xyxy", "fraction"), "xywh fraction"),
        (chats_form, BoxFormat("xyxy", "thousandth"), "xyxy pixel"),
        (chats_form, BoxFormat("xywh"), "xyxy pixel"),
        (phrases_form, BoxFormat("xyxy"), "xywh pixel"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.long
def test_files_in_a_published_form_with_other_boxes_stop_ingest_too(write, truth, declared, tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=160)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    source = write(tmp_path, rows, truth)
    name = FORMS[type(source)]
    config = Ingest(source=name, needle=NeedleSource(benchmark_questions=2), **{name: source})
    with pytest.raises(SourceError) as raised:
        ingest.run(Params(ingest=config), paths, processes=1)
    assert str(raised.value).startswith(
        f"{name}: boxes are declared as {declared} but are {truth.order} {truth.unit}: "
    )
