"""Parameters of the stages that make data: `ingest` and `crops`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from vzero.config.base import Fraction, NonNegative, Positive, Reach, Section, decisive
from vzero.config.filters import Filters
from vzero.config.object_sources import (
    BoxesSource,
    CocoSource,
    GqaSource,
    LabelStudioSource,
    ObjectsSource,
    PhrasesSource,
    VocSource,
    VstarSource,
    YoloSource,
)
from vzero.config.public_sources import (
    SealSource,
    TreeVgrSource,
    VgrSource,
    VisionOpdSource,
    VisualCotLlavaSource,
    ZwzSource,
)
from vzero.config.table_source import ChatsSource, TableSource

Negative = Literal[
    "half_resolution", "same_resolution", "other_image", "masked", "blurred", "blank", "downsampled"
]
NaCells = Literal["pandas", "keep"]
BenchmarkName = Literal[
    "vstar",
    "hrbench_4k",
    "hrbench_8k",
    "zoombench",
    "mmstar",
    "mme_realworld",
    "mme_realworld_lite",
    "mme_realworld_cn",
    "cv_bench_2d",
    "cv_bench_3d",
    "realworldqa",
    "blink",
    "mmmu",
    "mathvista",
    "mathverse",
    "mathvision",
    "logicvista",
    "treebench",
]
WindowRule = Literal["shrunk", "finer", "overlap", "other_image"]
WINDOW_STRATEGIES = ("half_resolution", "same_resolution", "other_image")  # those that draw a place


WorldName = Literal["needle", "chain"]


class NeedleSource(Section):
    """The embedded synthetic worlds (`vzero.needle`)."""

    world: WorldName = "needle"
    """Which one is drawn. `needle`: an answer is one decision, and a salient object lures; its models come
    with the package, and any recipe soon saturates there. `chain`: an answer tells several findings first,
    and is learnt slowly, so recipes can be told apart; `vzero pretrain-needle --world chain` makes its
    models."""
    samples: Positive = 23_000
    """Training samples to draw."""
    dev_samples: NonNegative = 600
    """Held-out samples, drawn from seeds that training never sees; used to compare checkpoints."""
    benchmark_questions: Positive = 400
    """Questions of each embedded benchmark (`cyclic` asks each one in four option orders)."""
    seed: NonNegative = 1
    """Seed of the training scenes. Dev and benchmark scenes use disjoint seeds of their own."""
    moved_boxes: Fraction = 0.0
    """Share of the samples whose boxes lie in a wrong place: as large, and off everything that is asked about
    where the scene has room. Benchmarks have none, here and below."""
    box_jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Standard deviation of the noise on each edge of a box, as a share of the box's side along it."""


class VisualCotSource(Section):
    """Visual-CoT metadata JSONL: question, answer, image, width, height, bboxs (list of xyxy pixels)."""

    rows: Path = Path("data/raw/visual_cot/metadata")
    """One JSONL file, or a folder of them."""
    images: Path = Path("data/raw/visual_cot/images")
    """Folder with one sub-folder of images a `dataset` value."""
    licence: str = "per source dataset"


class VerlSource(Section):
    """The reference code's own Parquet form: prompt, images, teacher_images, reward_model, extra_info."""

    rows: Path = Path("data/raw/verl")
    """One Parquet file, or a folder of them, such as `vzero export verl` writes."""
    images: Path | None = None
    """Folder that image paths are relative to; `None` when the files hold the images themselves."""
    crop_scale: Literal[1, 2] = 2
    """Crop pixels per image pixel in `teacher_images`, for rows without a box: it is where the crop is found.
    `crops.margin` 0 then cuts the same crop again."""
    allow_drawn_boxes: bool = False
    """Whether the student may see images with a red box around the answer; if not, they are rejected. Rows of
    `vzero export verl` are taken as they are."""
    licence: str = "unknown"
    """Of rows that do not tell."""


SourceName = Literal[
    "needle",
    "zwz",
    "vision_opd",
    "visual_cot",
    "visual_cot_llava",
    "treevgr",
    "seal",
    "vgr",
    "verl",
    "gqa",
    "vstar",
    "coco",
    "voc",
    "yolo",
    "boxes",
    "objects",
    "label_studio",
    "phrases",
    "table",
    "chats",
]

TrainingSetName = Literal["zwz", "treevgr", "visual_cot", "visual_cot_llava", "vgr"]
"""Sources that `vzero fetch` downloads (`vzero.commands.training_sets`)."""


class Sources(Section):
    """How each source is read."""

    needle: NeedleSource = NeedleSource()
    zwz: ZwzSource = ZwzSource()
    vision_opd: VisionOpdSource = VisionOpdSource()
    visual_cot: VisualCotSource = VisualCotSource()
    visual_cot_llava: VisualCotLlavaSource = VisualCotLlavaSource()
    treevgr: TreeVgrSource = TreeVgrSource()
    seal: SealSource = SealSource()
    vgr: VgrSource = VgrSource()
    verl: VerlSource = VerlSource()
    gqa: GqaSource = GqaSource()
    vstar: VstarSource = VstarSource()
    coco: CocoSource = CocoSource()
    voc: VocSource = VocSource()
    yolo: YoloSource = YoloSource()
    boxes: BoxesSource = BoxesSource()
    objects: ObjectsSource = ObjectsSource()
    label_studio: LabelStudioSource = LabelStudioSource()
    phrases: PhrasesSource = PhrasesSource()
    table: TableSource = TableSource()
    chats: ChatsSource = ChatsSource()


class Several(Sources):
    """Several sources that make one set of tables, with sections of their own for how they are read.

    They do not share those of single sources, so that DVC sees what the tables depend on and nothing else.
    """

    order: list[SourceName] = Field(default_factory=list)
    """Which ones: of samples with the same id the first source's is kept."""

    @field_validator("order", mode="before")
    @classmethod
    def _known_sources(cls, order: Any) -> Any:
        for name in order if isinstance(order, list) else ():
            _check_source(name, get_args(SourceName))
        return order

    @field_validator("order")
    @classmethod
    def _each_source_once(cls, order: list[SourceName]) -> list[SourceName]:
        if len(set(order)) < len(order):
            raise ValueError(f"each source once; found {', '.join(order)}")
        return order


def _check_source(name: Any, known: tuple[str, ...]) -> None:
    # Otherwise the message is the type checker's.
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"unknown source {name!r}: {hint}allowed: {', '.join(known)}")


class Ingest(Sources):
    source: SourceName | Literal["several"] = "needle"
    """Which source the samples come from; its own section says how it is read."""
    several: Several = Several()
    dev_fraction: Fraction = 0.02
    """Share of samples, by hash of the (first) image, held out for comparing checkpoints (needle draws its
    own). A further image may be one of both splits."""
    shard_images: Positive = 32
    """Images in a file of the tables, more or less: neighbours share one, so that samples added together
    change few files, and all others stay the same to the byte."""
    max_megapixels: float = Field(default=178.0, gt=0, le=178.0)
    """Larger images are rejected before they are decoded. 178 is where Pillow refuses too."""
    max_box_coverage: Fraction = 0.9
    """Boxes that cover more of the image than this say nothing about where the evidence is."""
    min_box_side: float = Field(default=1.0, ge=1)
    """Pixels; narrower boxes are rejected as empty."""
    missing_box: Literal["reject", "keep"] = "reject"
    """What becomes of a row without a box, of whichever source: a reject, or a sample without evidence, which
    `crops` cuts nothing for. A bad box is a reject either way. A red box that is drawn into a picture is only
    looked for around the row's own box."""
    verify_boxes: Annotated[bool, Reach.END] = True
    """Whether boxes that contradict their declared convention stop the stage; off only for odd boxes that
    were looked at and are right. The verdict is in the summary either way."""
    exif: Literal["stored", "shown"] = "shown"
    """What boxes are drawn on where a picture's EXIF orientation turns it: the picture as it is shown, which
    is what annotators see, or its pixels as they are stored. Numbers tell the two apart only where width and
    height change places; `ingest` says of which pictures they cannot."""
    upright: bool = True
    """Whether such pictures are turned once, with their boxes, and stored as PNG: the loaders of
    transformers and datasets show models the turned picture. If not, pixels stay as they are stored."""
    filters: Filters = Filters()
    """Which of the checked samples are left out: curation as data."""
    benchmarks: dict[BenchmarkName, Path] = Field(default_factory=dict)
    """Published benchmarks to read beside the embedded ones: the file or folder of each by its name."""
    na_cells: NaCells = "pandas"
    """Cells that read None, NA or null, in TSV files of benchmarks and in the TSV files and spreadsheets that
    `vzero score` and `vzero compare` read: missing, as VLMEvalKit has them, or kept as they are written."""
    overlap_distance: int = Field(default=4, ge=0, le=16)
    """Training images whose perceptual hash differs from a benchmark picture's in at most so many of its 64
    bits are listed in `overlaps`. 4 finds re-encoded and resized copies of photos and crops of 1 % a side; 8
    finds most of 2 % too, and many more charts and pages that only look alike."""

    @property
    def sources(self) -> tuple[SourceName, ...]:
        """The sources that are read, in order."""
        return tuple(self.several.order) if self.source == "several" else (self.source,)

    @property
    def settings(self) -> Sources:
        """Where the sections of the sources that are read stand."""
        return self.several if self.source == "several" else self

    def key(self, name: SourceName) -> str:
        """Where params.yaml says how a source is read."""
        return f"ingest.several.{name}" if self.source == "several" else f"ingest.{name}"

    @field_validator("source", mode="before")
    @classmethod
    def _known_source(cls, source: Any) -> Any:
        if isinstance(source, list):
            raise ValueError("a list is written source: several, with ingest.several.order")
        _check_source(source, (*get_args(SourceName), "several"))
        return source

    @model_validator(mode="after")
    def _several_are_named(self) -> Ingest:
        if self.source == "several" and not self.several.order:
            raise ValueError("several.order must name the sources that source several stands for")
        return self

    @model_validator(mode="after")
    def _rows_may_lack_what_no_column_holds(self) -> Ingest:
        without = "table" in self.sources and self.settings.table.columns.box is None
        if without and self.missing_box == "reject":
            key = self.key("table").removeprefix("ingest.")
            raise ValueError(
                f"{key}.columns.box is null, so every row is without a box and rejected: name the column, or "
                "set missing_box: keep to keep such rows"
            )
        return self

    def decisive(self) -> dict[str, Any]:
        """What names a run: not how sources are read that are not."""
        others = set(Sources.model_fields) - set(self.sources)
        values = decisive(self)
        if self.source == "several":
            others = set(Sources.model_fields)
            values["several"] = {name: values["several"][name] for name in ("order", *self.sources)}
        else:
            del values["several"]
        questions = self.needle.benchmark_questions
        return {k: v for k, v in values.items() if k not in others} | {"benchmark_questions": questions}


class Crops(Section):
    margin: float = Field(default=0.1, ge=0, le=2)
    """Share of the box's sides added on every side before cutting."""
    upscale: Literal[1, 2] = 2
    """Both crops are enlarged by this factor (Lanczos)."""
    min_side: Positive | None = None
    """Pixels of the image, so before enlarging, which adds size but nothing to see: a side of the positive
    window that is shorter grows inside the image to this one, or to the image's. Models cut images into
    squares of 28 or 32 pixels and refuse strips of more than 200 to 1. `None`: the margin alone decides."""
    negative: Negative = "half_resolution"
    """What the wrong crop shows. The paper's `half_resolution`: a window of the positive's size from the
    image at half resolution, off the target; `same_resolution`: the same from the full image; `other_image`:
    a window of another image; `masked`, `blurred`: the positive with its evidence painted over or blurred;
    `blank`: the image's mean colour; `downsampled`, the released code's: positive and full image halved."""
    negative_count: Positive = 1
    """Different wrong crops of a sample, whose log-probs the gate averages. Only windows can be several."""
    fallbacks: tuple[WindowRule, ...] = ("shrunk", "overlap", "other_image")
    """What is tried in turn where no window of the positive's pixel size fits beside the evidence, of
    `half_resolution` and `same_resolution`; a sample for which none fits has no negative and weighs 1.
    `shrunk`: the largest that fits, enlarged. `finer`: the same from the full image, so half as far enlarged,
    or not at all. `overlap`: one that touches the evidence (`max_overlap`). `other_image`: one of another
    image of the shard, from its full resolution too where `finer` is in the list."""
    max_enlargement: float | None = Field(default=None, ge=1)
    """How many times further than the positive a negative is enlarged at most by `shrunk`, `finer` and
    `other_image`: with large evidence the gate would else measure blur. `None`: as far as it takes."""
    max_overlap: Fraction = 0.05
    """Share of the window that may touch the evidence by the rule `overlap`."""
    positive: Literal["evidence", "random"] = "evidence"
    """What the right crop shows. `random` is a control, the paper's "Rand": a window as large as the evidence
    anywhere in the image; wrong crops keep off that one, as if the evidence were there."""
    format: Literal["png", "jpeg"] = "png"
    """Encoding of the stored crops (JPEG at quality 95)."""
    seed: NonNegative = 0

    @field_validator("fallbacks")
    @classmethod
    def _each_rule_once(cls, fallbacks: tuple[WindowRule, ...]) -> tuple[WindowRule, ...]:
        if len(set(fallbacks)) < len(fallbacks):
            raise ValueError(f"each rule once; found {', '.join(fallbacks)}")
        return fallbacks

    @model_validator(mode="after")
    def _several_negatives_differ(self) -> Crops:
        if self.negative_count > 1 and self.negative not in WINDOW_STRATEGIES:
            raise ValueError(
                f"negative_count ({self.negative_count}) must be 1 with negative {self.negative}, which has "
                f"only one crop to give; several go with negative {', '.join(WINDOW_STRATEGIES)}"
            )
        return self
