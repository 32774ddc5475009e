"""Sets of one object a picture in the published forms, boxes written in any convention."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import written_boxes
from filled_squares import EXTENTS

from vzero.config import (
    BoxesSource,
    ChatsSource,
    CocoSource,
    LabelStudioSource,
    ObjectsSource,
    PhrasesSource,
    VocSource,
    YoloSource,
)
from vzero.config.object_sources import BoxColumns
from vzero.geometry import BoxFormat

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def written_as(truth: BoxFormat, rows: list[dict]) -> list[tuple[float, ...]]:
    extents = (EXTENTS[number % len(EXTENTS)] for number in range(len(rows)))
    return [
        written_boxes.written(row["box"], truth, *extent) for row, extent in zip(rows, extents, strict=True)
    ]


def coco_form(root: Path, rows: list[dict], truth: BoxFormat) -> CocoSource:
    facts = {"iscrowd": 0}
    document = {
        "images": [{"id": number, "file_name": row["image"]} for number, row in enumerate(rows)],
        "annotations": [
            facts | {"id": number, "image_id": number, "bbox": box, "category_id": 1 + number % 2}
            for number, box in enumerate(written_as(truth, rows))
        ],
        "categories": [{"id": 1, "name": "square"}, {"id": 2, "name": "circle"}],
    }
    (root / "instances.json").write_text(json.dumps(document))
    return CocoSource(annotations=Path("instances.json"), images=Path("images"))


def voc_form(root: Path, rows: list[dict], truth: BoxFormat) -> VocSource:
    (root / "xml").mkdir()
    for number, (row, box) in enumerate(zip(rows, written_as(truth, rows), strict=True)):
        corners = "".join(f"<{tag}>{at}</{tag}>" for tag, at in zip(CORNERS, box, strict=True))
        shown = f"<object><name>{('square', 'disc')[number % 2]}</name><bndbox>{corners}</bndbox></object>"
        xml = f"<annotation><filename>{row['image']}</filename>{shown}</annotation>"
        (root / f"xml/row {number}.xml").write_text(xml)
    return VocSource(annotations=Path("xml"), images=Path("images"), first_pixel=0)


def yolo_form(root: Path, rows: list[dict], truth: BoxFormat) -> YoloSource:
    (root / "labels").mkdir()
    for number, (row, box) in enumerate(zip(rows, written_as(truth, rows), strict=True)):
        left, top, width, height = box
        line = f"{number % 2} {left + width / 2} {top + height / 2} {width} {height}"
        (root / f"labels/{Path(row['image']).stem}.txt").write_text(line)
    (root / "data.yaml").write_text("names: [square, disc]\ntrain: images\n")
    return YoloSource(data=Path("data.yaml"))


def boxes_form(root: Path, rows: list[dict], truth: BoxFormat) -> BoxesSource:
    lines = [",".join(["filename", "class", *CORNERS])]
    for number, (row, box) in enumerate(zip(rows, written_as(truth, rows), strict=True)):
        lines.append(",".join([row["image"], ("square", "disc")[number % 2], *map(str, box)]))
    (root / "labels.csv").write_text("\n".join(lines))
    columns = BoxColumns(width=None, height=None)
    return BoxesSource(rows=Path("labels.csv"), images=Path("images"), columns=columns)


def objects_form(root: Path, rows: list[dict], truth: BoxFormat) -> ObjectsSource:
    named = zip(rows, written_as(truth, rows), strict=True)
    kept = [
        {
            "image": {"bytes": None, "path": row["image"]},
            "objects": {"bbox": [list(box)], "category": [("square", "disc")[number % 2]]},
        }
        for number, (row, box) in enumerate(named)
    ]
    pl.DataFrame(kept).write_parquet(root / "train.parquet")
    return ObjectsSource(rows=Path("train.parquet"), images=Path("images"))


def label_studio_form(root: Path, rows: list[dict], truth: BoxFormat) -> LabelStudioSource:
    """In per cent, whatever a fraction of them says."""
    tasks = []
    for number, (row, box) in enumerate(zip(rows, written_as(truth, rows), strict=True)):
        named = zip(("x", "y", "width", "height"), (100 * side for side in box), strict=True)
        value = dict(named) | {"rectanglelabels": [("square", "disc")[number % 2]]}
        tasks.append({"data": {"image": row["image"]}, "annotations": [{"result": [{"value": value}]}]})
    (root / "export.json").write_text(json.dumps(tasks))
    return LabelStudioSource(tasks=Path("export.json"), images=Path("images"))


def chats_form(root: Path, rows: list[dict], truth: BoxFormat) -> ChatsSource:
    lines = []
    for row, box in zip(rows, written_as(truth, rows), strict=True):
        x1, y1, x2, y2 = (round(side) for side in box)
        answer = f"<|box_start|>({x1},{y1}),({x2},{y2})<|box_end|>"
        turns = [{"from": "human", "value": f"<image>{row['question']}"}, {"from": "gpt", "value": answer}]
        lines.append(json.dumps({"image": row["image"], "conversations": turns}))
    (root / "chats.jsonl").write_text("\n".join(lines))
    return ChatsSource(rows=Path("chats.jsonl"), images=Path("images"))


def phrases_form(root: Path, rows: list[dict], truth: BoxFormat) -> PhrasesSource:
    facts = [
        {"id": number, "file_name": row["image"], "caption": "blue thing"} for number, row in enumerate(rows)
    ]
    boxes = [{"image_id": number, "bbox": box} for number, box in enumerate(written_as(truth, rows))]
    (root / "captions.json").write_text(json.dumps({"images": facts, "annotations": boxes}))
    rows_file, images = Path("captions.json"), Path("images")
    return PhrasesSource(form="captions", rows=rows_file, instances=None, images=images)


FORMS = {
    LabelStudioSource: "label_studio",
    ChatsSource: "chats",
    PhrasesSource: "phrases",
    CocoSource: "coco",
    VocSource: "voc",
    YoloSource: "yolo",
    BoxesSource: "boxes",
    ObjectsSource: "objects",
}
