"""Images of every kind become the same 8-bit RGB pixels; damaged or oversized ones say why."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from transformers.image_transforms import convert_to_rgb

from tests.made_images import SMOOTH, encoded
from vzero import imaging
from vzero.imaging import ImageError


def png_bomb(width: int, height: int) -> bytes:
    """A small PNG that claims to be large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_colour_modes_become_rgb(mode, kind):
    if kind == "WEBP" and mode not in ("RGB", "RGBA"):
        mode = "RGB"
    data = encoded(Image.fromarray(SMOOTH).convert(mode), kind)
    pixels = imaging.decode(data)
    assert pixels.shape == (60, 80, 3) and pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_cmyk_jpeg_becomes_rgb():
    data = encoded(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG", quality=95)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(imaging.decode(data) - expected).max() <= 2


def test_sixteen_bits_become_eight():
    deep = SMOOTH[..., 0].astype(np.uint16) * 257
    data = cv2.imencode(".png", deep)[1].tobytes()
    assert np.array_equal(imaging.decode(data), np.repeat(SMOOTH[..., :1], 3, axis=2))


def opacity(seed: int = 0) -> np.ndarray:
    """Some pixels hidden, some opaque, some in between."""
    values = np.random.default_rng(seed).integers(0, 256, (60, 80), dtype=np.uint8)
    values[:20], values[20:40] = 0, 255
    return values


def paletted() -> bytes:
    image = Image.fromarray(SMOOTH).quantize(16)
    return encoded(image, "PNG", transparency=bytes([0, 255, 30, 200]))


TRANSPARENT = {
    "RGBA": encoded(Image.fromarray(np.dstack([SMOOTH, opacity()])), "PNG"),
    "LA": encoded(Image.fromarray(np.dstack([SMOOTH[..., 0], opacity()]), "LA"), "PNG"),
    "palette": paletted(),
    "grey with one clear shade": encoded(Image.fromarray(SMOOTH[..., 0]), "PNG", transparency=125),
    "RGB with one clear colour": encoded(
        Image.fromarray(SMOOTH), "PNG", transparency=tuple(map(int, SMOOTH[5, 5]))
    ),
    "WebP": encoded(Image.fromarray(np.dstack([SMOOTH, opacity()])), "WEBP", lossless=True, exact=True),
    "GIF": encoded(Image.fromarray(SMOOTH).quantize(16), "GIF", transparency=3),
    "TIFF": encoded(Image.fromarray(np.dstack([SMOOTH, opacity()])), "TIFF", compression="tiff_lzw"),
    "animated WebP": encoded(
        Image.fromarray(np.dstack([SMOOTH, opacity()])),
        "WEBP",
        lossless=True,
        exact=True,
        save_all=True,
        append_images=[Image.fromarray(np.dstack([SMOOTH, opacity(1)]))],
    ),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparent_pictures_are_laid_on_white_as_models_processors_do(kind):
    data = TRANSPARENT[kind]
    pixels = imaging.decode(data)
    expected = convert_to_rgb(Image.open(io.BytesIO(data)), return_numpy=True)
    assert np.array_equal(pixels, expected)
    assert not np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))), (
        "hidden colours"
    )
    assert np.array_equal(imaging.decode_to_check(data)[0], pixels)
    opaque = imaging.without_transparency(data)
    assert imaging.probe(opaque)[2] == "png" and np.array_equal(imaging.decode(opaque), pixels)
    assert Image.open(io.BytesIO(opaque)).mode == "RGB"


def test_a_half_clear_pixel_by_hand():
    data = encoded(Image.fromarray(np.array([[[0, 100, 255, 128], [9, 9, 9, 0]]], np.uint8)), "PNG")
    assert imaging.decode(data).tolist() == [[[127, 177, 255], [255, 255, 255]]]


def test_clear_pixels_of_sixteen_bits_are_white():
    deep = np.dstack([SMOOTH.astype(np.uint16) * 257, opacity().astype(np.uint16) * 257])
    pixels = imaging.decode(cv2.imencode(".png", deep)[1].tobytes())
    assert (pixels[:20] == 255).all() and np.array_equal(pixels[20:40], SMOOTH[20:40, :, ::-1])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_opaque_pictures_with_room_for_opacity_stay_as_they_are(kind):
    full = np.dstack([SMOOTH, np.full((60, 80), 255, np.uint8)])
    data, plain = (encoded(Image.fromarray(pixels), kind, quality=90) for pixels in (full, SMOOTH))
    assert np.array_equal(imaging.decode(data), imaging.decode(plain))
    assert imaging.without_transparency(data) == data


def test_pixels_stay_on_the_stored_grid_whatever_exif_says():
    image = Image.fromarray(SMOOTH)
    exif = image.getexif()
    exif[0x0112] = 6
    data = encoded(image, "JPEG", exif=exif)
    assert imaging.decode(data).shape == (60, 80, 3)
    assert imaging.probe(data) == (80, 60, "jpeg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("kept", [0.6, 0.99])
def test_truncated_images_are_told_from_unreadable_ones(kind, kept):
    data = encoded(Image.fromarray(SMOOTH), kind)
    with pytest.raises(ImageError) as caught:
        imaging.decode(data[: int(len(data) * kept)])
    assert caught.value.code == "truncated_image"


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"<svg/>", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_bytes_that_are_no_image_are_unreadable(data):
    with pytest.raises(ImageError) as caught:
        imaging.decode(data)
    assert caught.value.code == "unreadable_image"


def test_transparent_grey_of_sixteen_bits_keeps_its_shades():
    shades = np.linspace(0, 65_535, 64, dtype=np.uint16).reshape(8, 8)
    picture = Image.fromarray(shades)
    data = encoded(picture, "PNG", transparency=0)
    expected = np.where(shades == 0, 255, shades >> 8)
    assert np.abs(imaging.decode(data)[..., 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(20_000, 20_000), (50_000, 50_000)])
def test_a_bomb_is_refused_by_its_header(size):
    with pytest.raises(ImageError) as caught:
        imaging.decode(png_bomb(*size))
    assert caught.value.code == "huge_image"


def test_a_jpeg_of_endlessly_many_scans_is_refused_and_marks_in_metadata_are_no_scans():
    data = encoded(Image.fromarray(SMOOTH), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    with pytest.raises(ImageError, match=r"jpeg of 1,0\d\d scans, where at most 100 are read") as caught:
        imaging.decode(data[:last] + data[last:-2] * 1000 + data[-2:])
    assert caught.value.code == "unreadable_image"
    comment = b"\xff\xda" * 1000
    harmless = data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:] + comment
    assert np.array_equal(imaging.decode(harmless), imaging.decode(data))


def test_a_png_of_far_more_data_than_pixels_is_refused():
    data = imaging.encode_png(SMOOTH)
    text = b"tEXt" + b"a\0" + b"x" * (2**22 + 2**16)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    with pytest.raises(ImageError, match=r"png of 4,\d+,\d+ bytes for 4,800 pixels"):
        imaging.decode(data[:33] + chunk + data[33:])


def test_damaged_metadata_makes_no_noise(recwarn):
    image = Image.fromarray(SMOOTH)
    entries = b"".join(struct.pack("<HHII", tag, 2, 70_000, 8) for tag in range(300, 400))
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 100) + entries + bytes(4)
    assert imaging.orientation(encoded(image, "JPEG", exif=exif)) == 1
    assert not recwarn


def test_the_size_limit_counts_decoded_pixels():
    data = imaging.encode_png(SMOOTH)
    assert imaging.decode(data, max_megapixels=0.0048).shape == (60, 80, 3)
    with pytest.raises(ImageError, match=r"80 x 60 is over 0\.0047 megapixels"):
        imaging.decode(data, max_megapixels=0.0047)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_png_keeps_every_pixel(pixels):
    assert np.array_equal(imaging.decode(imaging.encode_png(pixels)), pixels)


def test_jpeg_is_close_and_says_what_it_is():
    data = imaging.encode_jpeg(SMOOTH)
    assert imaging.probe(data) == (80, 60, "jpeg")
    assert np.abs(imaging.decode(data).astype(int) - SMOOTH).mean() < 2


def test_encoding_is_the_same_every_time():
    assert imaging.encode_png(SMOOTH) == imaging.encode_png(SMOOTH.copy())
    assert imaging.encode_jpeg(SMOOTH) == imaging.encode_jpeg(SMOOTH.copy())


def test_halving_averages_two_by_two_blocks():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, :2] = [[[0] * 3, [40] * 3], [[80] * 3, [120] * 3]]
    assert imaging.halve(pixels)[0, :, 0].tolist() == [60, 0]
    assert imaging.halve(np.zeros((5, 1, 3), np.uint8)).shape == (2, 1, 3)


@given(st.integers(1, 90), st.integers(1, 90), st.data())
def test_a_part_is_halved_to_the_bytes_of_the_whole(width, height, data):
    pixels = np.random.default_rng([width, height]).integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = imaging.halve(pixels)
    x1, y1 = (data.draw(st.integers(0, side - 1)) for side in whole.shape[1::-1])
    x2, y2 = data.draw(st.integers(x1 + 1, whole.shape[1])), data.draw(st.integers(y1 + 1, whole.shape[0]))
    assert np.array_equal(imaging.halve_part(pixels, (x1, y1, x2, y2)), whole[y1:y2, x1:x2])


def test_enlarging_multiplies_the_sides():
    assert imaging.enlarge(SMOOTH, 2).shape == (120, 160, 3)
    assert imaging.enlarge(SMOOTH, 1) is SMOOTH


def test_difference_hash_of_a_ramp_by_hand():
    ramp = np.repeat(np.tile(np.arange(0, 90, 10, dtype=np.uint8), (8, 1))[..., None], 3, axis=2)
    assert imaging.difference_hash(ramp) == 2**64 - 1
    assert imaging.difference_hash(ramp[:, ::-1].copy()) == 0


@given(st.integers(32, 200), st.integers(32, 200))
def test_difference_hash_compares_the_means_of_a_grid(width, height):
    """OpenCV's area averages of the grey image; its float sums may round a tie otherwise."""
    pixels = imaging.resize(SMOOTH, width, height)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    grid = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    expected = int.from_bytes(np.packbits(grid[:, 1:] > grid[:, :-1]).tobytes(), "big")
    assert (imaging.difference_hash(pixels) ^ expected).bit_count() <= 1


def test_near_duplicates_have_near_hashes():
    def distance(a, b):
        return (imaging.difference_hash(a) ^ imaging.difference_hash(b)).bit_count()

    reencoded = imaging.decode(imaging.encode_jpeg(imaging.resize(SMOOTH, 40, 30)))
    assert distance(SMOOTH, reencoded) <= 6
    assert distance(SMOOTH, SMOOTH[::-1].copy()) > 12


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("quality", [30, 95])
def test_a_jpeg_is_checked_by_its_brightness_and_hashed_as_in_colour(mode, quality):
    noise = np.random.default_rng(3).normal(0, 60, (9, 12, 3))
    shades = cv2.resize((noise + 120).clip(0, 255).astype(np.uint8), (640, 480))
    file = io.BytesIO()
    Image.fromarray(shades).convert(mode).save(file, "JPEG", quality=quality)
    pixels, name = imaging.decode_to_check(file.getvalue())
    assert (name, pixels.shape) == ("jpeg", (480, 640, 3) if mode == "CMYK" else (480, 640))
    in_colour = imaging.decode(file.getvalue())
    apart = imaging.difference_hash(pixels) ^ imaging.difference_hash(in_colour)
    assert apart.bit_count() <= 1


def test_what_cannot_be_decoded_fails_the_check_too():
    whole = imaging.encode_jpeg(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))
    for data in (whole[: len(whole) // 2], whole[:40], b"", whole.replace(b"\xff\xda", b"\xff\xff")):
        with pytest.raises(imaging.ImageError) as checked:
            imaging.decode_to_check(data)
        with pytest.raises(imaging.ImageError) as decoded:
            imaging.decode(data)
        assert checked.value.code == decoded.value.code
