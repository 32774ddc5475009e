"""How lmms-eval reads MMMU, with the benchmark's own parser.

Where the parser draws a random option, this reader reads nothing and says so: such a score cannot be
repeated.
"""

from __future__ import annotations

from collections.abc import Mapping

from vzero.answers.extraction import Extraction

STRIPPED = (",", ".", "!", "?", ";", ":", "'")  # each once, in this order
LONG_ENOUGH_FOR_TEXT = 5  # words; option texts are searched in longer replies only
RANDOM = Extraction(None, "<RANDOM>")
# How a letter is found, and how its place is then looked up. A letter found without a blank on its left has
# no place, and ranks lowest.
FORMS = {"parentheses": ("({})", "({})"), "letter": ("{} ", " {} "), "period": ("{}.", " {} ")}


def read(prediction: str, choices: Mapping[str, str]) -> Extraction:
    """Letters in parentheses, then before a blank, then before a period, then option texts; the last wins."""
    for sign in STRIPPED:
        prediction = prediction.strip(sign)
    reply = f" {prediction} "
    for rule, (form, place) in FORMS.items():
        places = {
            letter: reply.rfind(place.format(letter)) for letter in choices if form.format(letter) in reply
        }
        if places:
            return _last(places, rule)
    if len(reply.split()) > LONG_ENOUGH_FOR_TEXT:
        lowered = reply.lower()
        texts = {letter: text.lower() for letter, text in choices.items()}
        places = {letter: lowered.rfind(text) for letter, text in texts.items() if text in lowered}
        if places:
            return _last(places, "option-text")
    return RANDOM


def _last(places: dict[str, int], rule: str) -> Extraction:
    return Extraction(max(places, key=lambda letter: places[letter]), rule)
