"""Ingest stops, with evidence, when a source's boxes are not written as declared."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from vzero import geometry, imaging
from vzero.config import CocoSource, ConfigError, Ingest, NeedleSource, Params, TableSource, VocSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.verify import turn
from vzero.stages import ingest

EXTENTS = [(640, 480), (360, 640), (800, 600), (480, 480), (500, 400), (640, 360)]
CORNERS = ("xmin", "ymin", "xmax", "ymax")
TURN = 6  # EXIF orientation: to be shown turned clockwise by a quarter


def project(root: Path, truth: BoxFormat, rows: int = 80, orientation: int = 1) -> Paths:
    """Questions about a filled square of each image, whose box is written as `truth` says."""
    rng, lines = np.random.default_rng(0), []
    (root / "images").mkdir(parents=True)
    for number in range(rows):
        extent = EXTENTS[number % len(EXTENTS)]
        side = rng.integers(20, 100)
        left, top = (int(rng.integers(0, limit - side)) for limit in extent)
        box = left, top, left + int(side), top + int(side)
        image = Image.new("RGB", extent, (200, 205, 210))
        ImageDraw.Draw(image).rectangle(box, fill=(60, 90, 160))
        if orientation == TURN:  # the annotator saw it upright, the file holds it lying
            image = image.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[imaging.ORIENTATION_TAG] = orientation
        image.save(root / f"images/{number}.jpg", exif=exif)
        written = geometry.from_pixels(box, truth, *extent)
        lines.append({"image": f"{number}.jpg", "question": f"Question {number}?", "box": written})
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return Paths(root)


def params(declared: BoxFormat, **settings) -> Params:
    table = TableSource(
        rows=Path("rows.jsonl"),
        images=Path("images"),
        box_order=declared.order,
        box_unit=declared.unit,  # pyright: ignore[reportArgumentType]
    )
    needle = NeedleSource(benchmark_questions=2)
    return Params(ingest=Ingest(source="table", table=table, needle=needle, **settings))


@pytest.mark.parametrize(
    ("truth", "declared", "advice"),
    [
        (BoxFormat("xywh"), BoxFormat("xyxy"), "Set ingest.table.box_order: xywh. "),
        (
            BoxFormat("xyxy", "thousandth"),
            BoxFormat("xywh", "fraction"),
            "Set ingest.table.box_order: xyxy and ingest.table.box_unit: thousandth. ",
        ),
    ],
    ids=str,
)
def test_a_wrong_declaration_stops_ingest_before_any_table(truth, declared, advice, tmp_path):
    paths = project(tmp_path, truth)
    with pytest.raises(ConfigError) as raised:
        ingest.run(params(declared), paths, processes=1)
    message = str(raised.value)
    named = f"boxes are declared as {declared.order} {declared.unit} but are {truth.order} {truth.unit}: "
    assert message.startswith(f"table: {named}") and advice in message
    assert "of 80 boxes fit their image so, 100.0% as" in message
    assert not (tmp_path / "data").exists()
    sheet = tmp_path / ".vzero/ingest/box_convention.png"
    assert f"Look at {sheet}." in message
    with Image.open(sheet) as drawn:
        assert drawn.width == 720


def written_as(truth: BoxFormat, rows: list[dict]) -> list[tuple[float, ...]]:
    extents = (EXTENTS[number % len(EXTENTS)] for number in range(len(rows)))
    return [
        geometry.from_pixels(row["box"], truth, *extent) for row, extent in zip(rows, extents, strict=True)
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


@pytest.mark.parametrize(
    ("write", "truth", "declared"),
    [
        (coco_form, BoxFormat("xyxy"), "xywh"),
        (coco_form, BoxFormat("xywh", "fraction"), "xywh"),
        (voc_form, BoxFormat("xywh"), "xyxy"),
        (voc_form, BoxFormat("xyxy", "thousandth"), "xyxy"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_files_in_a_published_form_with_other_boxes_stop_ingest_too(write, truth, declared, tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=160)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    source = write(tmp_path, rows, truth)
    [name] = [name for name, kind in (("coco", CocoSource), ("voc", VocSource)) if isinstance(source, kind)]
    config = Ingest(source=name, needle=NeedleSource(benchmark_questions=2), **{name: source})
    with pytest.raises(ConfigError) as raised:
        ingest.run(Params(ingest=config), paths, processes=1)
    assert str(raised.value).startswith(
        f"{name}: boxes are declared as {declared} pixel but are {truth.order} {truth.unit}: "
    )


def test_the_right_declaration_is_verified_and_recorded(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh", "fraction"), rows=120)
    right = params(BoxFormat("xywh", "fraction"))
    summary = ingest.run(right, paths, processes=1)
    assert summary["box_conventions"] == {
        "table": {"xywh fraction": {"boxes": 120, "inside": 1.0, "verified": True, "exif_oriented": 0.0}}
    }
    assert json.loads(paths.ingest_summary.read_text()) == summary
    printed = " ".join(capsys.readouterr().out.split())
    assert "ingest: table: 120 boxes of xywh fraction, 100.0% inside their image: as declared" in printed


def test_few_boxes_are_taken_as_declared_and_ingest_says_so(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh"), rows=49)
    summary = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)
    assert summary["box_conventions"]["table"]["xyxy pixel"]["verified"] is False
    assert "fewer than 50, too few to verify" in " ".join(capsys.readouterr().out.split())


def test_odd_boxes_are_taken_when_the_params_say_so(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh"))
    summary = ingest.run(params(BoxFormat("xyxy"), verify_boxes=False), paths, processes=1)
    assert (
        summary["rejects"]["bad_box"] > 40
        and not summary["box_conventions"]["table"]["xyxy pixel"]["verified"]
    )
    assert "not as declared, look at some" in " ".join(capsys.readouterr().out.split())


def test_boxes_that_fit_no_convention_are_not_called_verified(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xyxy"))
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    for row in rows:  # of images five times as large
        row["box"] = [5 * number for number in row["box"]]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    summary = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)
    found = summary["box_conventions"]["table"]["xyxy pixel"]
    assert found["inside"] < 0.3 and not found["verified"]
    assert "not as declared, look at some" in " ".join(capsys.readouterr().out.split())


def test_boxes_on_the_image_as_exif_turns_it_are_a_contradiction_of_their_own(tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), orientation=TURN)
    with pytest.raises(ConfigError, match="boxes are on the image as its EXIF orientation turns it"):
        ingest.run(params(BoxFormat("xyxy")), paths, processes=1)
    assert (tmp_path / ".vzero/ingest/box_convention.png").is_file()


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_images_are_turned_as_viewers_do(orientation):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(pixels)
    image.getexif()[imaging.ORIENTATION_TAG] = orientation
    np.testing.assert_array_equal(turn(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_orientation_is_read_from_every_form(form, orientation, tmp_path):
    exif = Image.Exif()
    exif[imaging.ORIENTATION_TAG] = orientation
    Image.new("RGB", (8, 4)).save(tmp_path / "image", form, exif=exif)
    data = (tmp_path / "image").read_bytes()
    assert imaging.orientation(data) == orientation


def test_an_image_without_an_orientation_left_to_apply_is_as_stored(tmp_path):
    exif = Image.Exif()
    exif[imaging.ORIENTATION_TAG] = TURN
    Image.new("RGB", (8, 4)).save(tmp_path / "image", "TIFF", exif=exif)
    data = (tmp_path / "image").read_bytes()
    assert imaging.decode(data).shape == (8, 4, 3)  # turned by the decoder
    assert imaging.orientation(data) == imaging.orientation(b"Exif damaged") == 1
