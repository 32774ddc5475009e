"""Hostile files in the forms in which people keep their own objects and chats: all rows are accounted for."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
from fuzzed_rows import (
    DAMAGED,
    FEW,
    IMAGES,
    NUMBERS,
    TEXTS,
    VALUES,
    WHOLE,
    assert_all_accounted_for,
    folder,
    pictures,
)
from hypothesis import given
from hypothesis import strategies as st

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


REFERENCES = st.fixed_dictionaries(
    {
        "ann_id": st.integers(0, 3) | VALUES,
        "split": st.just("train") | VALUES,
        "sentences": st.lists(st.fixed_dictionaries({"sent": TEXTS | VALUES}) | VALUES, max_size=3) | VALUES,
    }
)
BOXES = st.lists(NUMBERS | VALUES, min_size=4, max_size=4) | VALUES
REGIONS = st.fixed_dictionaries({"phrase": TEXTS | VALUES, "x": NUMBERS | VALUES})


@FEW
@given(
    data=DAMAGED,
    rows=st.lists(REFERENCES | VALUES, max_size=5),
    boxes=st.lists(BOXES, max_size=3),
    side=VALUES,
)
def test_references_are_all_accounted_for(data, rows, boxes, side):
    root = folder(data, ".png")
    images = [{"id": number, "file_name": f"{number}.png", "width": 32, "height": 32} for number in (0, 1)]
    images.append({"id": 2, "file_name": side, "width": side, "height": 32})
    told = [[2, 2, 9, 9], [20, 18, 10, 9], *boxes]
    annotations = [
        {"id": number, "image_id": max(number - 1, 0), "bbox": box} for number, box in enumerate(told)
    ]
    good = [{"ann_id": n, "split": "train", "sentences": [{"sent": f"thing {n}"}]} for n in (0, 1)]
    (root / "instances.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    (root / "x.json").write_text(json.dumps([*good, *rows]))
    section = {"rows": "x.json", "instances": "instances.json", "images": "images"}
    assert_all_accounted_for(root, "phrases", section)


@FEW
@given(
    data=DAMAGED, captions=st.lists(TEXTS | VALUES, max_size=4), boxes=st.lists(BOXES, max_size=4), key=VALUES
)
def test_captions_are_all_accounted_for(data, captions, boxes, key):
    root = folder(data, ".png")
    texts = ["red thing", "blue one", *captions]
    entries = [
        {"id": n, "file_name": f"{n % 2}.png", "width": 32, "height": 32, "caption": text}
        for n, text in enumerate(texts)
    ]
    told = [{"image_id": n, "bbox": box} for n, box in enumerate([[2, 2, 9, 9], [20, 18, 10, 9], *boxes])]
    content = {"images": [*entries, {"id": key}, key], "annotations": [*told, {"image_id": key}, key]}
    (root / "x.json").write_text(json.dumps(content))
    section = {"form": "captions", "rows": "x.json", "instances": None, "images": "images"}
    assert_all_accounted_for(root, "phrases", section)


@FEW
@given(
    data=DAMAGED,
    regions=st.lists(
        st.fixed_dictionaries({"phrase": TEXTS | VALUES, "x": NUMBERS | VALUES}) | VALUES, max_size=4
    ),
    rows=st.lists(VALUES, max_size=3),
)
def test_region_descriptions_are_all_accounted_for(data, regions, rows):
    root = folder(data, ".jpg")
    place = {"y": 2, "width": 9, "height": 9}
    good = [{"phrase": "red thing", "x": 2} | place, {"phrase": "blue one", "x": 20} | place]
    told = [one | place if isinstance(one, dict) and "phrase" in one else one for one in regions]
    (root / "x.json").write_text(
        json.dumps([{"id": 0, "regions": [*good, *told]}, *rows, {"regions": regions}])
    )
    section = {"form": "visual_genome", "rows": "x.json", "instances": None, "images": "images"}
    assert_all_accounted_for(root, "phrases", section)
