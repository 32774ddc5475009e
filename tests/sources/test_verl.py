"""The reference code's own rows, which hold ready-cut crops and no boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from vzero import imaging
from vzero.config import Ingest, VerlSource
from vzero.ingest.check import check
from vzero.ingest.image_store import ImageStore
from vzero.paths import Paths
from vzero.sources.annotation import Annotation
from vzero.sources.catalogue import open_source
from vzero.sources.verl import ROWS_TOGETHER
from vzero.untrusted.rejects import Rejected

RNG = np.random.default_rng(0)
PIXELS = cv2.resize(RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8), (320, 240))
IMAGE = imaging.encode_png(PIXELS)
WINDOW = [60, 40, 130, 100]
CROP = imaging.encode_jpeg(imaging.enlarge(PIXELS[40:100, 60:130], 2))
ASKED = "<image>What colour is the sign?\nA. red\nB. blue\nAnswer with the option letter."


def row(**cells) -> dict:
    return {
        "prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": ASKED}],
        "images": [{"bytes": IMAGE}],
        "teacher_images": [{"bytes": CROP}],
        "teacher_neg_images": [{"bytes": CROP}],
        "reward_model": {"style": "rule", "ground_truth": "B"},
        "extra_info": {"index": 7, "split": "train"},
        "data_source": "zwz_vqa",
    } | cells


def samples_of(root: Path, rows: list[dict], **settings) -> list[dict]:
    """Rows of the samples table; a reject fails the test."""
    pl.DataFrame(rows).write_parquet(root / "rows.parquet")
    config = Ingest(source="verl", verl=VerlSource(rows=Path("rows.parquet"), **settings))
    source = open_source(config.sources[0], config, Paths(root))
    store = ImageStore(source.name, source.images, config.max_megapixels)
    found = []
    for batch in source.batches:
        for annotation in batch.load():
            assert isinstance(annotation, Annotation)
            found.append(check(annotation, store, config))
    return found


def test_words_come_from_the_prompt_and_the_box_from_the_crop(tmp_path):
    [sample] = samples_of(tmp_path, [row()])
    assert sample["question"] == "What colour is the sign?"
    assert (sample["options"], sample["answer"]) == (["red", "blue"], "B")
    assert sample["boxes"] == [WINDOW] and sample["evidence_box"] == WINDOW


def test_the_others_word_for_their_split_does_not_decide_ours(tmp_path):
    config = Ingest(source="verl", verl=VerlSource(rows=Path("rows.parquet")))
    pl.DataFrame([row()]).write_parquet(tmp_path / "rows.parquet")
    [batch] = open_source(config.sources[0], config, Paths(tmp_path)).batches
    assert [annotation.split for annotation in batch.load()] == [None]


def test_an_empty_answer_is_none(tmp_path):
    [sample] = samples_of(tmp_path, [row(reward_model={"style": "rule", "ground_truth": ""})])
    assert sample["answer"] is None


def test_a_box_in_extra_info_needs_no_crop(tmp_path):
    [sample] = samples_of(tmp_path, [row(extra_info={"bbox": [10.0, 20.0, 70.0, 60.5]}, teacher_images=None)])
    assert sample["boxes"] == [[10, 20, 70, 60.5]]


@pytest.mark.parametrize("key", ["path", "image"])
def test_pictures_may_lie_in_a_folder(key, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/full.png").write_bytes(IMAGE)
    (tmp_path / "pictures/crop.jpg").write_bytes(CROP)
    [sample] = samples_of(
        tmp_path,
        [row(images=[{key: "full.png"}], teacher_images=[{key: "crop.jpg"}])],
        images=Path("pictures"),
    )
    assert sample["boxes"] == [WINDOW]


def test_crops_that_were_not_enlarged(tmp_path):
    cut = imaging.encode_png(PIXELS[40:100, 60:130])
    [sample] = samples_of(tmp_path, [row(teacher_images=[{"bytes": cut}])], crop_scale=1)
    assert sample["boxes"] == [WINDOW]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"teacher_images": [{"bytes": imaging.encode_png(255 - PIXELS[:60, :80])}]}, "crop_not_found"),
        ({"teacher_images": [{"bytes": b"damaged"}]}, "unreadable_image"),
        ({"teacher_images": None}, "missing_box"),
        ({"teacher_images": []}, "missing_box"),
        ({"images": [{"bytes": IMAGE}, {"bytes": IMAGE}]}, "missing_image"),
        ({"prompt": []}, "missing_question"),
        ({"prompt": "What?"}, "missing_question"),
    ],
)
def test_rows_that_cannot_be_used_say_why(cells, code, tmp_path):
    with pytest.raises(Rejected, match=code):
        samples_of(tmp_path, [row(**cells)])


def red_boxed() -> bytes:
    """The image with a red line around the window grown by 5 %, which covers the window's border."""
    pixels = PIXELS.copy()
    left, top, right, bottom = 56, 37, 133, 103
    for inset in range(5):
        cv2.rectangle(pixels, (left + inset, top + inset), (right - inset, bottom - inset), (255, 0, 0), 1)
    return imaging.encode_png(pixels)


def test_images_with_a_drawn_box_are_used_only_when_allowed(tmp_path):
    rows = [row(images=[{"bytes": red_boxed()}])]
    [sample] = samples_of(tmp_path, rows, allow_drawn_boxes=True)
    assert sample["boxes"] == [WINDOW]
    with pytest.raises(Rejected, match="drawn_box"):
        samples_of(tmp_path, rows)


def test_rows_are_read_a_few_at_a_time_from_every_file_of_a_folder(tmp_path):
    (tmp_path / "rows").mkdir()
    for name in ("train-0", "train-1"):
        rows = [row(extra_info={"bbox": [n, 0, n + 9, 9]}) for n in range(15)]
        pl.DataFrame(rows).write_parquet(tmp_path / f"rows/{name}.parquet")
    config = Ingest(source="verl", verl=VerlSource(rows=Path("rows")))
    batches = list(open_source(config.sources[0], config, Paths(tmp_path)).batches)
    assert [batch.rows for batch in batches] == [ROWS_TOGETHER, 10]
    assert [annotation.row for batch in batches for annotation in batch.load()] == list(range(30))
