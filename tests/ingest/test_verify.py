"""Ingest stops, with evidence, when a source's boxes are not written as declared."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from filled_squares import OBJECT, TURN, project
from PIL import Image, ImageOps, PngImagePlugin

from vzero import geometry, imaging, shards, tables
from vzero.config import Ingest, NeedleSource, Params, TableSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.ingest.image_store import CheckedImage
from vzero.paths import Paths
from vzero.stages import ingest


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
    with pytest.raises(SourceError) as raised:
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


def test_the_right_declaration_is_verified_and_recorded(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh", "fraction"), rows=120)
    right = params(BoxFormat("xywh", "fraction"))
    summary = ingest.run(right, paths, processes=1)
    found = summary["box_conventions"]["table"]["xywh fraction"]
    sizes = {"under 512 px": 40, "512 to 1023 px": 80}
    sizes = {
        name: {"boxes": boxes, "inside": 1.0, "verdict": "verified" if boxes >= 50 else "cannot tell"}
        for name, boxes in sizes.items()
    }
    assert found == {
        "boxes": 120,
        "inside": 1.0,
        "verdict": "verified",
        "exif_oriented": 0.0,
        "subsets": {"size": sizes},
    }
    assert json.loads(paths.ingest_summary.read_text()) == summary
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "ingest: table: 120 boxes of xywh fraction, 100.0% inside their image: verified, they are as declared"
        in printed
    )


def test_few_boxes_are_taken_as_declared_and_ingest_says_so(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh"), rows=49)
    summary = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)
    assert summary["box_conventions"]["table"]["xyxy pixel"]["verdict"] == "cannot tell"
    assert "cannot tell whether they are as declared, as fewer than 50 are too few" in " ".join(
        capsys.readouterr().out.split()
    )


def test_odd_boxes_are_taken_when_the_params_say_so(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xywh"))
    summary = ingest.run(params(BoxFormat("xyxy"), verify_boxes=False), paths, processes=1)
    assert (
        summary["rejects"]["bad_box"] > 40
        and summary["box_conventions"]["table"]["xyxy pixel"]["verdict"] == "contradicted"
    )
    assert "contradicted, look at some" in " ".join(capsys.readouterr().out.split())


def test_boxes_that_fit_no_convention_are_not_called_verified(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xyxy"))
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    for row in rows:  # of images five times as large
        row["box"] = [5 * number for number in row["box"]]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    summary = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)
    found = summary["box_conventions"]["table"]["xyxy pixel"]
    assert found["inside"] < 0.3 and found["verdict"] == "contradicted"
    assert "contradicted, look at some" in " ".join(capsys.readouterr().out.split())


def shown_evidence(paths: Paths) -> list[np.ndarray]:
    """The mean colour of the middle of each sample's evidence, in the pixels that the student sees."""
    images = {row["image_id"]: row for row in shards.read(paths.images, tables.Images).iter_rows(named=True)}
    colours = []
    for sample in shards.read(paths.samples, tables.Samples).iter_rows(named=True):
        image = images[sample["image_id"]]
        pixels = imaging.decode(image["bytes"])
        assert pixels.shape == (image["height"], image["width"], 3)
        x1, y1, x2, y2 = (int(side) for side in sample["evidence_box"])
        colours.append(pixels[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].reshape(-1, 3).mean(axis=0))
    return colours


@pytest.mark.parametrize(
    "orientation", [2, 6, *(pytest.param(other, marks=pytest.mark.long) for other in (3, 4, 5, 7, 8))]
)
@pytest.mark.parametrize("upright", [True, False])
def test_boxes_drawn_on_photos_as_viewers_show_them_stay_on_their_object(orientation, upright, tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=6, orientation=orientation, smaller=3)
    ingest.run(params(BoxFormat("xyxy"), upright=upright), paths, processes=1)
    assert np.abs(np.array(shown_evidence(paths)) - OBJECT).max() < 4
    formats = shards.read(paths.images, tables.Images)["format"].unique().to_list()
    assert formats == (["png"] if upright else ["jpeg"])


@pytest.mark.parametrize("upright", [True, False])
def test_boxes_drawn_on_the_stored_pixels_are_turned_with_them(upright, tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=6, orientation=TURN, smaller=3)
    for path in (tmp_path / "images").iterdir():  # the same boxes, of pixels that only now are to be turned
        picture = Image.fromarray(imaging.turn(imaging.decode(path.read_bytes()), TURN))
        exif = Image.Exif()
        exif[imaging.ORIENTATION_TAG] = TURN
        picture.save(path, exif=exif, quality=95)
    ingest.run(params(BoxFormat("xyxy"), upright=upright, exif="stored"), paths, processes=1)
    assert np.abs(np.array(shown_evidence(paths)) - OBJECT).max() < 4


def test_turned_photos_of_which_numbers_cannot_tell_are_taken_as_declared_and_named(tmp_path, capsys):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=60, orientation=3, smaller=3)
    found = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)["box_conventions"]["table"][
        "xyxy pixel"
    ]
    assert (found["verdict"], found["exif_oriented"]) == ("cannot tell", 1.0)
    assert found["subsets"]["orientation"] == {"3": {"boxes": 60, "inside": 1.0, "verdict": "cannot tell"}}
    said = "60 of these boxes are on images of EXIF orientation 3, taken as drawn on the shown image"
    assert said in " ".join(capsys.readouterr().out.split())


def test_boxes_on_the_other_image_than_declared_are_a_contradiction_of_their_own(tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), orientation=TURN, smaller=3)
    found = ingest.run(params(BoxFormat("xyxy")), paths, processes=1)["box_conventions"]["table"][
        "xyxy pixel"
    ]
    assert found["subsets"]["orientation"]["6"]["verdict"] == found["verdict"] == "verified"
    with pytest.raises(
        SourceError, match="declared as drawn on the stored image but are on the shown one"
    ) as raised:
        ingest.run(params(BoxFormat("xyxy"), exif="stored"), paths, processes=1)
    assert "Set ingest.exif: shown. " in str(raised.value)
    assert (tmp_path / ".vzero/ingest/box_convention.png").is_file()


def test_a_few_turned_photos_among_hundreds_are_found(tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=120, orientation=TURN, turned=24, smaller=3)
    with pytest.raises(SourceError, match=r"on the shown one.* of 24 boxes fit their image so, 100\.0% on"):
        ingest.run(params(BoxFormat("xyxy"), exif="stored"), paths, processes=1)
    summary = ingest.run(params(BoxFormat("xyxy"), exif="stored", verify_boxes=False), paths, processes=1)
    found = summary["box_conventions"]["table"]["xyxy pixel"]["subsets"]["orientation"]
    assert {name: row["verdict"] for name, row in found.items()} == {"6": "contradicted", "1": "verified"}
    rejects = shards.read(paths.rejects, tables.Rejects).filter(code="box_outside")
    assert len(rejects) >= 5 and rejects["detail"].str.contains("as it is shown: see ingest.exif$").all()


def test_a_folder_with_another_convention_is_found_among_the_rest(tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=300, smaller=3)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    (tmp_path / "images/other").mkdir()
    for row in rows[:51]:
        x1, y1, x2, y2 = row["box"]
        (tmp_path / "images" / row["image"]).rename(tmp_path / "images/other" / row["image"])
        row |= {"image": f"other/{row['image']}", "box": [x1, y1, x2 - x1, y2 - y1]}
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(SourceError, match=r"table, images of the folder other: .* but are xywh pixel"):
        ingest.run(params(BoxFormat("xyxy")), paths, processes=1)


def test_an_annotated_size_tells_what_a_single_box_is_drawn_on():
    checked = CheckedImage({"width": 480, "height": 640}, TURN, "shown")
    assert (checked.grid("shown").extent, checked.grid("stored").extent) == ((480, 640), (640, 480))
    assert str(checked.grid("stored")) == "640 x 480 as it is stored, 480 x 640 as it is shown"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_and_boxes_are_turned_as_viewers_do(orientation):
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    image = Image.fromarray(pixels)
    image.getexif()[imaging.ORIENTATION_TAG] = orientation
    shown = imaging.turn(pixels, orientation)
    np.testing.assert_array_equal(shown, np.asarray(ImageOps.exif_transpose(image)))
    np.testing.assert_array_equal(imaging.turn(shown, imaging.undone(orientation)), pixels)
    x1, y1, x2, y2 = (int(side) for side in geometry.turn((1, 0, 3, 3), orientation, 6, 4))
    assert sorted(shown[y1:y2, x1:x2].ravel()) == sorted(pixels[0:3, 1:3].ravel())


def xmp(orientation: int) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("place", ["exif", "xmp"])
def test_the_orientation_is_read_from_every_form(form, orientation, place):
    exif = Image.Exif()
    exif[imaging.ORIENTATION_TAG] = orientation
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp(orientation).decode(), zip=True)
    said = (
        {"exif": exif}
        if place == "exif"
        else {"pnginfo": text}
        if form == "PNG"
        else {"xmp": xmp(orientation)}
    )
    buffer = io.BytesIO()
    Image.new("RGB", (8, 4)).save(buffer, form, **said)
    assert imaging.orientation(buffer.getvalue()) == orientation


def test_tiff_is_turned_by_its_decoder_and_not_again(tmp_path):
    paths = project(tmp_path, BoxFormat("xyxy"), rows=6, orientation=TURN, smaller=3)
    for path in (tmp_path / "images").iterdir():
        picture = Image.open(path)
        picture.save(path.with_suffix(".tif"), exif=picture.getexif())
    rows = (tmp_path / "rows.jsonl").read_text().replace(".jpg", ".tif")
    (tmp_path / "rows.jsonl").write_text(rows)
    ingest.run(params(BoxFormat("xyxy"), upright=False), paths, processes=1)
    assert np.abs(np.array(shown_evidence(paths)) - OBJECT).max() < 4


def test_damaged_metadata_turn_nothing():
    assert imaging.orientation(b"Exif damaged") == imaging.orientation(b"\x89PNG") == 1
