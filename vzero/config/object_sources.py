"""Parameters of sources that annotate objects: with questions of their own (GQA, V*), or without.

How each one writes its boxes is a fact about it, in its reader's docstring.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from vzero.config.base import NonNegative, Positive, Section
from vzero.config.table_source import FourColumns

TemplateName = Literal["seen", "side", "height", "larger", "count", "corner", "half"]


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


class ObjectSource(Section):
    """Objects without questions: templates make some (`region_questions`, `place_questions`)."""

    questions_per_image: Positive = 2
    """At most; images with many objects have more to ask about."""
    seed: NonNegative = 0
    """Seed of the options drawn beside the right one, and of their order."""
    templates: Annotated[list[TemplateName], Field(min_length=1)] = Field(default=[*get_args(TemplateName)])
    """What may be asked. All but `corner` and `half` presume that every object of a picture is annotated."""


class CocoSource(ObjectSource):
    """COCO instances."""

    annotations: Path = Path("data/raw/coco/annotations/instances_train2017.json")
    images: Path = Path("data/raw/coco/train2017")
    licence: str = "unknown"
    """Of images for which the file names none."""


class VocSource(ObjectSource):
    """Pascal VOC XML files, and what annotation tools export as such."""

    annotations: Path = Path("data/raw/voc/Annotations")
    """The folder of XML files."""
    images: Path = Path("data/raw/voc/JPEGImages")
    first_pixel: Literal[0, 1] = 1
    """What the file calls the first column and row: 1 in VOC itself, 0 in many tools' exports."""
    licence: str = "Flickr terms of use"


class YoloSource(ObjectSource):
    """Text files of Ultralytics' YOLO, one an image, and the `data.yaml` that names the classes."""

    data: Path = Path("data/raw/yolo/data.yaml")
    splits: Annotated[list[Literal["train", "val", "test"]], Field(min_length=1)] = Field(default=["train"])
    """Which of its folders of images are read."""
    licence: str = "unknown"


class LabelStudioSource(ObjectSource):
    """Tasks that Label Studio exports as JSON or JSON-MIN, with rectangles."""

    tasks: Path = Path("data/raw/label_studio/export.json")
    images: Path = Path("data/raw/label_studio/images")
    licence: str = "unknown"


class PhrasesSource(ObjectSource):
    """Phrases with a box each: RefCOCO's references or captions, Visual Genome's regions."""

    form: Literal["refer", "captions", "visual_genome"] = "refer"
    """How the file is written; `vzero.sources.phrases` describes each."""
    rows: Path = Path("data/raw/phrases/refs.json")
    instances: Path | None = Path("data/raw/phrases/instances.json")
    """The boxes of `refer`; `None` for the other forms."""
    splits: Annotated[list[str], Field(min_length=1)] = Field(default=["train"])
    """Which references of `refer` are read; the others are benchmarks."""
    images: Path = Path("data/raw/phrases/images")
    templates: Annotated[list[TemplateName], Field(min_length=1)] = Field(
        default=["side", "height", "corner"]
    )
    """Of these: the others presume that every object is annotated."""
    licence: str = "unknown"

    @model_validator(mode="after")
    def _boxes_are_where_the_form_has_them(self) -> PhrasesSource:
        if (self.form == "refer") != (self.instances is not None):
            raise ValueError(f"instances: goes with form refer, and with no other; form is {self.form}")
        return self

    @field_validator("templates")
    @classmethod
    def _nothing_is_counted(cls, templates: list[TemplateName]) -> list[TemplateName]:
        if others := [name for name in templates if name not in ("side", "height", "corner")]:
            raise ValueError(
                f"{', '.join(others)}: not every object has a phrase; allowed: side, height, corner"
            )
        return templates


class BoxColumns(Section):
    """Which column of a table with a row a box holds what. `None`: there is no such column."""

    image: str = "filename"
    """Path relative to the image folder; the extension may be missing."""
    category: str = "class"
    box: FourColumns = Field(default=["xmin", "ymin", "xmax", "ymax"])
    width: str | None = "width"
    height: str | None = "height"
    """Of the image, in pixels."""
    crowd: str | None = None
    """Whether the box is around many objects: 1 or true."""


class BoxesSource(ObjectSource):
    """A table with a row a box: TensorFlow's Object Detection API, Open Images, and their like."""

    rows: Path = Path("data/raw/boxes/labels.csv")
    """JSONL, CSV or Parquet; rows of an image need not stand together."""
    images: Path = Path("data/raw/boxes/images")
    columns: BoxColumns = BoxColumns()
    box_order: Literal["xyxy", "xywh"] = "xyxy"
    box_unit: Literal["pixel", "fraction"] = "pixel"
    category_names: Path | None = None
    """A CSV file of two columns without a header, class and name, where the rows hold codes (Open Images)."""
    licence: str = "unknown"


class ObjectColumns(Section):
    """Which column of rows of objects holds what."""

    image: str = "image"
    objects: str = "objects"
    """A struct of lists, one entry an object."""
    box: str = "bbox"
    category: str = "category"
    """In that struct."""


class ObjectsSource(ObjectSource):
    """Object detection rows of the Hugging Face hub: an image and `objects: {bbox, category}`."""

    rows: Path = Path("data/raw/objects")
    """A Parquet file, a folder of them, or a folder that `datasets` saved."""
    images: Path | None = None
    """Folder that image paths are relative to; `None` when the rows hold the images."""
    columns: ObjectColumns = ObjectColumns()
    categories: list[str] = Field(default=[])
    """Names by number, where the files do not tell them."""
    box_order: Literal["xyxy", "xywh"] = "xywh"
    box_unit: Literal["pixel", "fraction", "thousandth"] = "pixel"
    licence: str = "unknown"
