"""What a contact sheet shows of each table: which pictures, which boxes, which text."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from vzero import imaging, tables
from vzero.commands.sheet import ELSEWHERE, EVIDENCE, Panel, Row
from vzero.pages.lookup import rows_by_id
from vzero.paths import Paths
from vzero.shards import scan

MOST_IMAGES = 4  # of a sample; each is a column of the sheet

Rows = Callable[[pl.DataFrame, Paths], list[Row]]


def image_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the images table."""
    return [
        Row(
            [Panel(f"{row['width']} x {row['height']} {row['format']}", imaging.decode(row["bytes"]))],
            [row["image_id"][:16], f"source: {row['source']}", f"licence: {row['licence']}"],
        )
        for row in frame.iter_rows(named=True)
    ]


def sample_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the samples table with their images."""
    samples = frame.to_dicts()
    images = _images_of(samples, paths)
    rows = []
    for sample in samples:
        boxes = [(EVIDENCE, box) for box in sample["boxes"]]
        rows.append(Row(_pictures(sample, images, boxes), [*_question(sample), f"split: {sample['split']}"]))
    return rows


def crop_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the crops table: full image, positive and negative views."""
    samples = rows_by_id(paths.samples, tables.Samples, "sample_id", frame["sample_id"])
    images = _images_of(samples.values(), paths)
    return [
        Row(_views(crop, samples[crop["sample_id"]], images), _question(samples[crop["sample_id"]]))
        for crop in frame.iter_rows(named=True)
    ]


def left_out_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the left_out table: the views of the sample, and why training cannot use it."""
    samples = rows_by_id(paths.samples, tables.Samples, "sample_id", frame["sample_id"])
    images = _images_of(samples.values(), paths)
    crops = rows_by_id(paths.crops, tables.Crops, "sample_id", frame["sample_id"])
    rows = []
    for name, code, detail in frame.select("sample_id", "code", "detail").iter_rows():
        views = _views(crops.get(name), samples[name], images)
        rows.append(Row(views, [f"{code}: {detail}", *_question(samples[name])]))
    return rows


def rollout_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the rollouts table, one sheet row a group."""
    samples = rows_by_id(paths.samples, tables.Samples, "sample_id", frame["sample_id"])
    images = _images_of(samples.values(), paths)
    crops = rows_by_id(paths.crops, tables.Crops, "sample_id", frame["sample_id"])
    rows = []
    for (step, name), group in frame.group_by("step", "sample_id", maintain_order=True):
        sample = samples[str(name)]
        answers = [
            f"{member['weight']:.2f} (score {member['evidence_score'] or 0.0:+.3f})  {member['text']}"
            for member in group.sort("member").iter_rows(named=True)
        ]
        lines = [*_question(sample), f"step {step}: weight, evidence score and answer", *answers]
        rows.append(Row(_views(crops.get(str(name)), sample, images), lines))
    return rows


def overlap_rows(frame: pl.DataFrame, paths: Paths) -> list[Row]:
    """Rows of the overlaps table: the training image beside the benchmark's picture."""
    images = rows_by_id(paths.images, tables.Images, "image_id", frame["image_id"])
    named = pl.col("benchmark").is_in(frame["benchmark"].implode()) & pl.col("item").is_in(
        frame["item"].implode()
    )
    items = scan(paths.benchmark_items, tables.BenchmarkItems).filter(named).collect()
    by_name = {(item["benchmark"], item["item"]): item for item in items.iter_rows(named=True)}
    return [
        _overlap(row, images[row["image_id"]], by_name[row["benchmark"], row["item"]])
        for row in frame.iter_rows(named=True)
    ]


SHEETS: dict[str, Rows] = {
    "images": image_rows,
    "samples": sample_rows,
    "crops": crop_rows,
    "left_out": left_out_rows,
    "rollouts": rollout_rows,
    "overlaps": overlap_rows,
}


def _overlap(row: dict[str, Any], image: dict[str, Any], item: dict[str, Any]) -> Row:
    shown = [item["image"], *item["more_images"], item["crop_image"]][row["picture"]]
    facts = item["pictures"][row["picture"]]
    verdict = "the same bytes" if row["same_bytes"] else f"{row['distance']} of 64 bits differ"
    panels = [
        Panel(f"training, {image['width']} x {image['height']}", imaging.decode(image["bytes"])),
        Panel(f"{row['benchmark']}, {facts['width']} x {facts['height']}", imaging.decode(shown)),
    ]
    lines = [
        f"{verdict}; {row['benchmark']} item {row['item']}, picture {row['picture']} ({facts['role']})",
        item["question"],
        f"training image: {row['image_id'][:16]}, source: {image['source']}",
    ]
    return Row(panels, lines)


def _images_of(samples: Iterable[dict[str, Any]], paths: Paths) -> dict[str, dict[str, Any]]:
    """The images that are shown of some samples, by id."""
    shown = [image_id for sample in samples for image_id in _shown(sample)]
    return rows_by_id(paths.images, tables.Images, "image_id", shown)


def _shown(sample: dict[str, Any]) -> list[str]:
    return [sample["image_id"], *sample["more_image_ids"]][:MOST_IMAGES]


def _pictures(sample: dict[str, Any], images: dict[str, dict[str, Any]], boxes: list[Any]) -> list[Panel]:
    """The images of a sample, the first one with boxes."""
    shown = _shown(sample)
    panels = []
    for number, image in enumerate((images[image_id] for image_id in shown), start=1):
        name = f"image {number}" if len(shown) > 1 else "image"
        caption = f"{name}, {image['width']} x {image['height']}"
        panels.append(Panel(caption, imaging.decode(image["bytes"]), boxes if number == 1 else []))
    return panels


def _views(
    crop: dict[str, Any] | None, sample: dict[str, Any], images: dict[str, dict[str, Any]]
) -> list[Panel]:
    """The images and the crops of a sample; without a box it has no crops."""
    boxes = [] if sample["evidence_box"] is None else [(EVIDENCE, sample["evidence_box"])]
    if crop is None:
        return _pictures(sample, images, boxes)
    if crop["negative_box"] is not None and crop["negative_image_id"] == sample["image_id"]:
        boxes.append((ELSEWHERE, crop["negative_box"]))
    negative = imaging.decode(crop["negative"]) if crop["negative"] is not None else None
    panels = [
        *_pictures(sample, images, boxes),
        Panel(
            f"positive, {crop['width']} x {crop['height']}", imaging.decode(crop["positive"]), colour=EVIDENCE
        ),
        Panel(f"negative: {crop['strategy']}, {crop['fallback']}", negative, colour=ELSEWHERE),
        *(
            Panel(f"negative {number}", imaging.decode(data), colour=ELSEWHERE)
            for number, data in enumerate(crop["more_negatives"], start=2)
        ),
    ]
    if crop["negative_image"] is not None:
        smaller = imaging.decode(crop["negative_image"])
        panels.append(Panel(f"its image, {smaller.shape[1]} x {smaller.shape[0]}", smaller))
    return panels


def _question(sample: dict[str, Any]) -> list[str]:
    options = zip(string.ascii_uppercase, sample["options"], strict=False)
    listed = "   ".join(f"{letter}. {option}" for letter, option in options) or "open question"
    answer = "not given" if sample["answer"] is None else sample["answer"]
    named = f"sample: {sample['sample_id']}, source: {sample['source']}"
    lines = [sample["question"], listed, f"answer: {answer}", named]
    images = 1 + len(sample["more_image_ids"])
    if images > MOST_IMAGES:
        lines.append(f"{images} images, the first {MOST_IMAGES} are shown")
    return [*lines, "no box, and so no crops"] if sample["evidence_box"] is None else lines
