"""Parameters of sources that annotate objects: with questions of their own (GQA, V*), or without (COCO, VOC).

How each one writes its boxes is a fact about it, in its reader's docstring.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vzero.config.base import NonNegative, Positive, Section


class GqaSource(Section):
    """GQA questions, which name objects of the scene graphs."""

    questions: Path = Path("data/raw/gqa/questions/train_balanced_questions.json")
    """A question file, or a folder of them."""
    scene_graphs: Path = Path("data/raw/gqa/sceneGraphs")
    """A scene graph file, or a folder of them."""
    images: Path = Path("data/raw/gqa/images")
    licence: str = "CC BY 4.0"


class VstarSource(Section):
    """V*'s own folders `direct_attributes` and `relative_position`: images with a JSON file beside each."""

    images: Path = Path("data/raw/vstar")
    """The folder that holds both."""
    licence: str = "unknown"


class CocoSource(Section):
    """COCO instances. There are no questions in it; templates make some (`region_questions`)."""

    annotations: Path = Path("data/raw/coco/annotations/instances_train2017.json")
    images: Path = Path("data/raw/coco/train2017")
    questions_per_image: Positive = 2
    """At most; images with many objects have more to ask about."""
    seed: NonNegative = 0
    """Seed of the options drawn beside the right one, and of their order."""
    licence: str = "unknown"
    """Of images for which the file names none."""


class VocSource(Section):
    """Pascal VOC XML files, and what annotation tools export as such; questions as of `coco`."""

    annotations: Path = Path("data/raw/voc/Annotations")
    """The folder of XML files."""
    images: Path = Path("data/raw/voc/JPEGImages")
    first_pixel: Literal[0, 1] = 1
    """What the file calls the first column and row: 1 in VOC itself, 0 in many tools' exports."""
    questions_per_image: Positive = 2
    seed: NonNegative = 0
    licence: str = "Flickr terms of use"
