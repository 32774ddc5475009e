"""HEIC, the form of phones' photographs: read where `pi-heif` is installed (`pip install 'vzero[heic]'`).

That package decodes only; its sibling that encodes too comes with a library under the GPL. The decoder turns
pictures as the container says; what EXIF says besides is to be ignored (ISO/IEC 23008-12).
"""

from __future__ import annotations

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx")

try:
    import pi_heif
except ImportError:
    AVAILABLE = False
else:
    pi_heif.register_heif_opener()
    AVAILABLE = True


def is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS
