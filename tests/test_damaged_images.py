"""Damage that decoders only warn of is told from what does not touch the pixels, and neither is heard."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.made_images import SMOOTH, encoded
from vzero import imaging
from vzero.imaging import ImageError


def chunked(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, with sums that are right."""
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


PNG, JPEG = imaging.encode_png(SMOOTH), imaging.encode_jpeg(SMOOTH)
PROGRESSIVE = encoded(Image.fromarray(SMOOTH), "JPEG", progressive=True)
HEAD, BODY = (b"IHDR", PNG[16:29]), zlib.compress(b"".join(b"\0" + row.tobytes() for row in SMOOTH))
END, EOI = (b"IEND", b""), b"\xff\xd9"
PNG_OF_ONE = encoded(Image.fromarray(SMOOTH).convert("LA"), "PNG")
LZW = encoded(Image.fromarray(SMOOTH), "TIFF", compression="tiff_lzw")


def overwritten(data: bytes, by: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + by + data[middle + len(by) :]


DAMAGED = {
    "JPEG cut off, an end behind": JPEG[: len(JPEG) * 6 // 10] + EOI,
    "JPEG cut off between two scans, an end behind": PROGRESSIVE[: PROGRESSIVE.rindex(b"\xff\xc4")] + EOI,
    "JPEG with zeros inside": overwritten(JPEG, bytes(300)),
    "JPEG with a part missing": JPEG[: len(JPEG) // 2] + JPEG[len(JPEG) // 2 + 300 :],
    "JPEG of which bytes are left over, as some stand in it twice": JPEG[:700] + JPEG[640:],
    "JPEG with bytes between its data and its end": JPEG[:-2] + bytes(20) + EOI,
    "JPEG cut off behind a profile that is damaged": b"".join(
        [JPEG[:2], b"\xff\xe0\0\x10JFIF\0\x09", JPEG[12 : len(JPEG) * 6 // 10], EOI]
    ),
    "PNG cut off, sums put right": chunked(HEAD, (b"IDAT", BODY[: len(BODY) * 6 // 10]), END),
    "PNG of two layers cut off, sums put right": chunked(
        (b"IHDR", PNG[16:25] + b"\x04" + PNG[26:29]), (b"IDAT", BODY[: len(BODY) // 2]), END
    ),
    "PNG with too few rows": chunked(HEAD, (b"IDAT", zlib.compress(bytes(20 * 241))), END),
    "PNG with a wrong sum of its pixels": chunked(HEAD, (b"IDAT", BODY[:-4] + b"abcd"), END),
    "PNG with a byte changed": overwritten(PNG, bytes([PNG[len(PNG) // 2] ^ 0xFF])),
    "PNG of one chunk with a wrong sum": PNG_OF_ONE[:-16] + b"abcd" + PNG_OF_ONE[-12:],
    "GIF with zeros inside": overwritten(encoded(Image.fromarray(SMOOTH), "GIF"), bytes(300)),
    "TIFF with zeros inside": overwritten(LZW, bytes(300)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_inside_is_unreadable_and_not_a_word_reaches_the_console(kind, capfd, caplog):
    for read in (imaging.decode, imaging.decode_to_check):
        with pytest.raises(ImageError) as caught:
            read(DAMAGED[kind])
        assert caught.value.code == "unreadable_image" and len(caught.value.detail) > 10
    assert capfd.readouterr() == ("", "") and not caplog.records


def jfif_revision(data: bytes) -> bytes:
    at = data.index(b"JFIF\0") + 5
    return data[:at] + b"\x07" + data[at + 1 :]


def scan_parameters(data: bytes) -> bytes:
    at = data.index(b"\xff\xda") + 11
    return data[:at] + b"\0\0\0" + data[at + 3 :]


HARMLESS = {
    "JPEG with bytes between its parts": (JPEG, JPEG[:20] + b"\0" * 7 + JPEG[20:]),
    "JPEG of an unknown revision": (JPEG, jfif_revision(JPEG)),
    "JPEG with scan parameters that mean nothing": (JPEG, scan_parameters(JPEG)),
    "JPEG of both kinds": (JPEG, scan_parameters(jfif_revision(JPEG))),
    "JPEG with bytes behind its end": (JPEG, JPEG + b"junk" * 100),
    "PNG with a bad profile": (
        PNG,
        chunked(HEAD, (b"iCCP", b"p\0\0" + zlib.compress(b"x" * 200)), (b"IDAT", BODY), END),
    ),
    "PNG with too many rows": (
        PNG,
        chunked(HEAD, (b"IDAT", zlib.compress(zlib.decompress(BODY) + bytes(241))), END),
    ),
    "PNG with bytes behind its end": (PNG, PNG + b"junk" * 100),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_does_not_touch_the_pixels_is_no_damage(kind, capfd, caplog):
    sound, odd = HARMLESS[kind]
    assert sound != odd and np.array_equal(imaging.decode(odd), imaging.decode(sound))
    assert capfd.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize("data", [PNG[:-12], PNG[:-1]])
def test_png_without_its_end_is_truncated(data):
    with pytest.raises(ImageError) as caught:
        imaging.decode(data)
    assert caught.value.code == "truncated_image"


def test_zeros_anywhere_in_a_jpeg_are_damage_or_leave_the_pixels_as_they_are():
    """Wherever they stand: to end by chance as a sound file does is not enough."""
    sound, start = imaging.decode(JPEG), JPEG.index(b"\xff\xda") + 14
    for place in range(start, len(JPEG) - 302, 97):
        try:
            pixels = imaging.decode(JPEG[:place] + bytes(300) + JPEG[place + 300 :])
        except ImageError:
            continue
        assert np.abs(pixels.astype(int) - sound).max() < 3, place


def test_jpeg_of_rare_layouts_is_refused_as_no_decoder_reads_it_strictly():
    """16 x 16 pixels written by hand: brightness at full resolution, one colour at half, one at a quarter."""
    header = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1])
    frame = header.index(b"\xff\xc0") + 11
    header[frame], header[frame + 3], header[frame + 6] = 0x22, 0x11, 0x21
    brightness, colour = "001010", "0000"  # no difference of the mean; end of block
    bits = 4 * brightness + 3 * colour + "1111"
    data = bytes(header[: header.index(b"\xff\xda") + 14]) + int(bits, 2).to_bytes(5, "big") + EOI
    with pytest.raises(ImageError, match="sampling layout") as caught:
        imaging.decode(data)
    assert caught.value.code == "unreadable_image"
