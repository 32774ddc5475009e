"""Parameters of sources that read published data sets of questions with boxes: where the files are.

How each data set writes its boxes is no parameter but a fact about it, in its reader's docstring; the one
exception is a scale that no published text tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vzero.config.base import Section


class ZwzSource(Section):
    """ZwZ-RL-VQA rows: columns images, problem, answer, bbox (xyxy pixels of the clean original)."""

    rows: Path = Path("data/raw/zwz/train.parquet")
    """Parquet, JSONL or CSV file of rows."""
    images: Path = Path("data/raw/zwz/images")
    """Folder that the image paths are relative to: the clean originals, not the red-boxed copies."""
    image_column: Literal["images", "original_images"] = "images"
    """`images` in train.parquet, `original_images` in the mini and CSV forms."""
    allow_drawn_boxes: bool = False
    """Whether the student may see images with a red box around the answer. If not, they are rejected, and
    the sentence that points at the red box is taken out of the question."""
    licence: str = "Apache-2.0"


class VisionOpdSource(Section):
    """Vision-OPD-6K rows: original_images (clean), images (red-boxed), problem, answer, bbox (xyxy)."""

    rows: Path = Path("data/raw/vision_opd/train.jsonl")
    images: Path = Path("data/raw/vision_opd")
    """Folder that the image paths are relative to."""
    allow_drawn_boxes: bool = False
    """Whether the student sees `images`, with a red box around the answer, instead of `original_images`."""
    licence: str = "unverified, the code is Apache-2.0"


class VisualCotLlavaSource(Section):
    """Visual-CoT in LLaVA's form: conversations, and the union box after `###` in the image entry."""

    rows: Path = Path("data/raw/visual_cot/viscot_363k.json")
    images: Path = Path("data/raw/visual_cot")
    """Folder that holds `cot/`, with one sub-folder of images a source data set."""
    licence: str = "per source dataset"


class TreeVgrSource(Section):
    """TreeVGR-RL rows: images, problem, answer, target_instances (several boxes, xyxy pixels)."""

    rows: Path = Path("data/raw/treevgr/vstar30k_visdrone6k_x1y1x2y2.parquet")
    images: Path = Path("data/raw/treevgr")
    """Folder that the image paths are relative to."""
    licence: str = "Apache-2.0"


class SealSource(Section):
    """SEAL's visual search data: conversations, and target_instances (several boxes, xywh pixels)."""

    rows: Path = Path("data/raw/seal")
    """One JSON file, or a folder of them."""
    images: Path = Path("data/raw/seal/images")
    """Folder that the image paths are relative to."""
    licence: str = "none stated; images under the terms of COCO and GQA"


class VgrColumns(Section):
    """Which column holds what. The published files have `image` and `conversations`, which holds the other
    three: it is read for each of them that a file has no column of."""

    image: str = "image"
    question: str = "question"
    reasoning: str = "reasoning"
    """Text with the boxes in it, each as `<sot>[x1, y1, x2, y2]<eot>`, in small or capital letters."""
    answer: str = "answer"


class VgrSource(Section):
    """VGR-SFT rows: boxes inside the reasoning text, at a scale that has to be declared."""

    rows: Path = Path("data/raw/vgr/vgr_shortcot.parquet")
    """Parquet, JSONL or CSV file of rows."""
    images: Path = Path("data/raw/vgr/llava_next_raw_format")
    """Folder of LLaVA-NeXT's images."""
    columns: VgrColumns = VgrColumns()
    box_unit: Literal["pixel", "fraction", "thousandth"] = "fraction"
    """Pixels of the image, 0-1 of its sides, or 0-1000 of its sides. Code that reads the published
    files takes 0-1, but the files were not seen: look at some boxes before training on them."""
    licence: str = "CC0-1.0 (annotations)"
