"""GQA: questions made from scene graphs, whose steps name the objects they are about.

Where: cs.stanford.edu/people/dorarad/gqa/download.html (scene graphs, questions 1.2, images).
Licence: CC BY 4.0 is said of it, which was not checked.
Boxes: `x`, `y` (upper left), `w`, `h` in pixels of the image.
Layout and boxes are as the download page describes them. UNVERIFIED: no published file was read for this.

Scene graphs: {image id: {width, height, objects: {object id: {name, x, y, w, h}}}}.
Questions: {question id: {imageId, question, answer, semantic: [{operation, argument}]}}, where an argument
such as `apple (271881)` ends with the id of an object, and one such as `dog (-)` asks for one that is not
there. A question's boxes are those of all its objects; without any, or with one that is not there, no region
holds the answer, and the question is one without a box. The image is `<image id>.jpg`.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vzero.config import GqaSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, NoBox, Source, in_batches
from vzero.untrusted.json_stream import entries
from vzero.untrusted.rejects import Reject, RejectCode, Rejected

TABLE = "create table graphs (image text primary key, cell text) without rowid"
OBJECT_IDS = re.compile(r"\(([\d\s,-]+)\)\s*$")  # at the end of an argument
SIDES = ("x", "y", "w", "h")


def open_gqa(config: GqaSource, paths: Paths) -> Source:
    questions = _files(paths.resolve(config.questions))
    graphs = _files(paths.resolve(config.scene_graphs))
    annotations = _annotations(questions, graphs, config.licence)
    images = paths.resolve(config.images)
    return Source("gqa", in_batches(annotations), images=images, inputs=(*questions, *graphs))


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise SourceError(f"{path}: no such file, or no *.json file in this folder")
    return files


def _annotations(
    questions: Sequence[Path], graphs: Sequence[Path], licence: str
) -> Iterator[Annotation | Reject]:
    # Without a name, SQLite keeps the database in a file that vanishes with it.
    with contextlib.closing(sqlite3.connect("")) as database:
        database.execute(TABLE)
        for file in graphs:
            for image, graph in entries(file):
                cell = json.dumps(_graph_of(graph))
                database.execute("insert or replace into graphs values (?, ?)", [image, cell])
        rows = (row for file in questions for row in entries(file))
        for number, (key, row) in enumerate(rows):
            try:
                yield _annotation(number, key, row, database, licence)
            except Rejected as rejected:
                image = row.get("imageId") if isinstance(row, dict) else None
                name = f"{image}.jpg" if isinstance(image, str) and image else None
                yield Reject(number, rejected.code, rejected.detail, sample_id=key, image=name)


def _graph_of(graph: Any) -> dict[str, Any] | None:
    """A graph's size and the boxes of its objects by id; `None` when it is no scene graph."""
    objects = graph.get("objects") if isinstance(graph, dict) else None
    if not isinstance(objects, dict):
        return None
    boxes = {
        key: [thing.get(side) for side in SIDES] for key, thing in objects.items() if isinstance(thing, dict)
    }
    return {"extent": [graph.get("width"), graph.get("height")], "boxes": boxes}


def _annotation(number: int, key: str, row: Any, database: sqlite3.Connection, licence: str) -> Annotation:
    if not isinstance(row, dict):
        raise Rejected(RejectCode.MALFORMED_ROW, f"not a question but {type(row).__name__}")
    image = row.get("imageId")
    if not isinstance(image, str) or not image:
        raise Rejected(RejectCode.MISSING_IMAGE, "no image id")
    found = database.execute("select cell from graphs where image = ?", [image]).fetchone()
    graph = json.loads(found[0]) if found else None
    return Annotation(
        row=number,
        image=f"{image}.jpg",
        question=row.get("question"),
        boxes=_boxes_of(row.get("semantic"), graph) if graph else NoBox(f"no scene graph of image {image}"),
        box_format=BoxFormat("xywh", "pixel"),
        answer=row.get("answer"),
        sample_id=key,
        needs_id=True,
        annotated_size=tuple(graph["extent"]) if graph else None,
        category=_category(row.get("types")),
        licence=licence,
    )


def _boxes_of(semantic: Any, graph: dict[str, Any]) -> list[Any] | NoBox:
    """Boxes of all objects that the steps of a question name."""
    if not isinstance(semantic, list):
        return NoBox("no list of steps")
    named = _named(semantic)
    missing = [thing for thing in named if thing not in graph["boxes"]]
    if missing == ["-"]:
        return NoBox("it asks for an object that is not in the picture")
    if missing:
        return NoBox(f"object {missing[0]} is not in the scene graph")
    return [graph["boxes"][thing] for thing in named] or NoBox("it names no object")


def _named(semantic: list[Any]) -> list[str]:
    """Ids of the objects that the steps of a question name, each once; `-` for one that is not there."""
    arguments = [step.get("argument") for step in semantic if isinstance(step, dict)]
    found = [OBJECT_IDS.search(text) for text in arguments if isinstance(text, str)]
    return list(dict.fromkeys(key.strip() for match in found if match for key in match[1].split(",")))


def _category(types: Any) -> str:
    detailed = types.get("detailed") if isinstance(types, dict) else None
    return detailed if isinstance(detailed, str) else ""
