"""Numbers with units: read from text, and compared exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
WORDS = {name: value for value, name in enumerate(NAMES.split())}
# Unit names by (kind, size in the kind's own unit).
UNITS: dict[tuple[str, Fraction], str] = {
    ("length", Fraction(1, 1000)): "mm millimeter millimeters millimetre millimetres",
    ("length", Fraction(1, 100)): "cm centimeter centimeters centimetre centimetres",
    ("length", Fraction(1)): "m meter meters metre metres",
    ("length", Fraction(1000)): "km kilometer kilometers kilometre kilometres",
    ("mass", Fraction(1)): "g gram grams",
    ("mass", Fraction(1000)): "kg kilogram kilograms",
    ("time", Fraction(1)): "s sec second seconds",
    ("time", Fraction(60)): "min minute minutes",
    ("time", Fraction(3600)): "h hr hour hours",
    ("angle", Fraction(1)): "° degree degrees",
    ("speed", Fraction(1)): "km/h kmh kph",
    ("dollars", Fraction(1)): "$ dollar dollars usd",
    ("euros", Fraction(1)): "€ euro euros eur",
    ("pounds", Fraction(1)): "£ gbp",
    ("share", Fraction(1, 100)): "% percent",
}
UNIT_OF = {name: unit for unit, names in UNITS.items() for name in names.split()}
DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,40})(?:\.\d{1,40})?|\.\d{1,40}"
NUMBER = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?P<currency>[$€£]?)\s*(?P<number>{DIGITS})"
    rf"(?:e(?P<exponent>[-+]?\d{{1,3}})|\s*/\s*(?P<below>\d{{1,40}}))?\s*(?P<unit>\D*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """An exact number; `kind` is None for a plain number, and `size` is one unit in the kind's own unit."""

    value: Fraction
    kind: str | None = None
    size: Fraction = Fraction(1)


def quantity(text: str) -> Quantity | None:
    """The quantity that `text` is, as a whole; None for other texts and for units not in `UNITS`."""
    plain = text.strip().rstrip(".").casefold()
    if plain in WORDS:
        return Quantity(Fraction(WORDS[plain]))
    found = NUMBER.fullmatch(plain)
    if not found or (found["below"] and not int(found["below"])):
        return None
    value = Fraction(found["number"].replace(",", "")) / int(found["below"] or 1)
    value *= Fraction(10) ** int(found["exponent"] or 0)
    value = -value if found["sign"] in ("-", "−") else value
    unit = found["currency"] or found["unit"].strip()
    if not unit:
        return Quantity(value)
    if unit not in UNIT_OF or (found["currency"] and found["unit"].strip()):
        return None
    return Quantity(value, *UNIT_OF[unit])


def same_quantity(one: Quantity, other: Quantity) -> bool:
    """Equal in value; a missing unit is taken for the other's, and 50 % is also 0.5."""
    if one.kind is not None and other.kind is not None:
        return one.kind == other.kind and one.value * one.size == other.value * other.size
    shares = "share" in (one.kind, other.kind) and one.value * one.size == other.value * other.size
    return shares or one.value == other.value
