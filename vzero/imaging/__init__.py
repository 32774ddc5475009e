"""Encoded image bytes to pixels and back: the one place where this happens.

Pixels are (height, width, 3) uint8 arrays in RGB order, on the grid that is stored in the file (TIFF's
decoders turn pixels by their EXIF orientation; of other formats `turn` does). Sixteen bits become eight,
grey, palette and CMYK become RGB, transparent pictures are laid on white, as models' processors and servers
do, and of an animation the first frame counts.
"""

from vzero.imaging.decoding import MAX_MEGAPIXELS, decode, decode_to_check, probe, without_transparency
from vzero.imaging.encoding import JPEG_QUALITY, encode, encode_jpeg, encode_png
from vzero.imaging.errors import ImageError
from vzero.imaging.hashing import difference_hash
from vzero.imaging.orientation import ORIENTATION_TAG, QUARTER_TURNS, left_to_turn, orientation, turn, undone
from vzero.imaging.scaling import enlarge, halve, halve_part, reduce, resize

__all__ = [
    "JPEG_QUALITY",
    "MAX_MEGAPIXELS",
    "ORIENTATION_TAG",
    "QUARTER_TURNS",
    "ImageError",
    "decode",
    "decode_to_check",
    "difference_hash",
    "encode",
    "encode_jpeg",
    "encode_png",
    "enlarge",
    "halve",
    "halve_part",
    "left_to_turn",
    "orientation",
    "probe",
    "reduce",
    "resize",
    "turn",
    "undone",
    "without_transparency",
]
