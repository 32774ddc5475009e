"""Files in a published form whose boxes are in another convention stop ingest."""

import json

import pytest
import written_forms as forms
from filled_squares import project

from vzero.config import Ingest, NeedleSource, Params
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.stages import ingest


@pytest.mark.parametrize(
    ("write", "truth", "declared"),
    [
        (forms.coco_form, BoxFormat("xyxy"), "xywh pixel"),
        (forms.coco_form, BoxFormat("xywh", "fraction"), "xywh pixel"),
        (forms.voc_form, BoxFormat("xywh"), "xyxy pixel"),
        (forms.voc_form, BoxFormat("xyxy", "thousandth"), "xyxy pixel"),
        (forms.yolo_form, BoxFormat("xywh"), "xywh fraction"),
        (forms.boxes_form, BoxFormat("xywh"), "xyxy pixel"),
        (forms.boxes_form, BoxFormat("xyxy", "fraction"), "xyxy pixel"),
        (forms.objects_form, BoxFormat("xyxy"), "xywh pixel"),
        (forms.objects_form, BoxFormat("xywh", "thousandth"), "xywh pixel"),
        (forms.label_studio_form, BoxFormat("xyxy", "fraction"), "xywh fraction"),
        (forms.chats_form, BoxFormat("xyxy", "thousandth"), "xyxy pixel"),
        (forms.chats_form, BoxFormat("xywh"), "xyxy pixel"),
        (forms.phrases_form, BoxFormat("xyxy"), "xywh pixel"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.long
def test_files_in_a_published_form_with_other_boxes_stop_ingest_too(write, truth, declared, tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=160)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    source = write(tmp_path, rows, truth)
    name = forms.FORMS[type(source)]
    config = Ingest(source=name, needle=NeedleSource(benchmark_questions=2), **{name: source})
    with pytest.raises(SourceError) as raised:
        ingest.run(Params(ingest=config), paths, processes=1)
    assert str(raised.value).startswith(
        f"{name}: boxes are declared as {declared} but are {truth.order} {truth.unit}: "
    )
