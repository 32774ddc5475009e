"""Our own reading: what a careful person would accept as the answer, and nothing beyond.

The part meant as the answer is read as a whole, then by its statements, its last line, its opening, its
close, and last by the option texts in it. Of several statements the last counts, because minds change. Two
letters without a statement, a letter beside another option's text, and all that is denied decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from vzero.answers.answer_part import answer_part
from vzero.answers.extraction import UNRESOLVED, Extraction
from vzero.answers.option_texts import denied, named

Choices = Mapping[str, str]

MARKUP = re.compile(r"\\(?:text|textbf|mathrm|mathbf|bf)\b|[*_`~\"“”$\\{}\[\]<>]|(?<!\w)['‘]|['’](?!\w)")
LETTER = r"\(?\s*(?P<letter>[A-Za-z])(?![\w'’-])\s*\)?"
NOUN = r"(?:answer|option|choice)"
STATED = re.compile(
    rf"(?:\b{NOUN}\s*(?:(?:is|would be|should be|must be)\b|[:=])|"
    r"\bI(?:'d|'ll| would| will)?\s+(?:choose|select|pick|go with)\b|答案(?:是|为|:)|选择?)"
    rf"\s*:?\s*(?:the\s+)?(?:{NOUN}\b\s*:?\s*)?(?=(?P<said>[^\n]*))",
    re.IGNORECASE,
)
AFFIRMED = re.compile(
    rf"(?<![\w'’-]){LETTER}\s+(?:is|seems)\s+(?:the\s+)?(?:correct|right|best|most likely|answer)\b"
)
CONCLUDED = re.compile(
    rf"\b(?:[Tt]herefore|[Tt]hus|[Hh]ence|[Ss]o),?\s+(?:it\s+is\s+|it's\s+)?(?:{NOUN}\s+)?{LETTER}\s*(?=[.!]?\s*(?:\n|$))"
)
LABEL = re.compile(rf"(?:{NOUN}\s*:?\s*)?{LETTER}(?P<rest>.*)", re.DOTALL | re.IGNORECASE)
CLOSING = re.compile(rf"\b(?:is|be|it's|think|say|believe|guess|with)\s+{LETTER}\s*[.!]?\s*$")
ANOTHER = re.compile(r"\s*(?:,|/|&|\+|;|or\b|and\b|和|或)\s*(?:maybe\s+|perhaps\s+)?\(?[A-Z]\b(?!['’])")
REASON = re.compile(r"\s*(?:[.,:;!)。、–—-]|because\b|since\b|as\b|due\b|given\b)")
ALONE = re.compile(r"(?<![\w'’-])([A-Z])(?![\w'’-])")
ARTICLES = re.compile(r"(?<![\w'’-])[AI]\s+(?=[a-z])")  # "A man", "I think"
PUNCTUATION = " \t\r\n.,:;!?。、()–—-"
UNDECIDED = ""  # read, and contradictory: no later rule may decide


def read(prediction: str, choices: Choices) -> Extraction:
    """The letter a careful person would accept; `rule` says where it stood and why it was accepted."""
    part, where = answer_part(prediction)
    text = MARKUP.sub("", part.replace("\\(", "").replace("\\)", "")).strip()
    for rule, reader in READERS.items():
        letter = reader(text, choices)
        if letter is not None:
            return Extraction(letter, f"{where}: {rule}") if letter else UNRESOLVED
    return UNRESOLVED


def _whole(text: str, choices: Choices) -> str | None:
    """All of the text is one option: its letter in any case, its text, or both."""
    found = LABEL.fullmatch(text)
    letter = found["letter"].upper() if found else ""
    rest = found["rest"].strip(PUNCTUATION) if found else text
    if letter in choices and not rest:
        return letter
    same = [key for key, option in choices.items() if _equal(option, text)]
    if same:
        return same[0] if len(same) == 1 else UNDECIDED
    if letter not in choices:
        return None
    beside = [key for key, option in choices.items() if _equal(option, rest)]
    if not beside:
        return None
    return letter if letter in beside else UNDECIDED


def _equal(option: str, text: str) -> bool:
    return option.strip(PUNCTUATION).casefold() == text.strip(PUNCTUATION).casefold() != ""


def _stated(text: str, choices: Choices) -> str | None:
    """The last statement of an answer: "the answer is B", "B is correct", "I choose cotton", "so B"."""
    statements: list[tuple[int, str | None]] = [
        (found.start(), _said(found["said"], choices))
        for found in STATED.finditer(text)
        if not denied(text, found.start())
    ]
    for pattern in (AFFIRMED, CONCLUDED):
        statements += [
            (found.start("letter"), found["letter"])
            for found in pattern.finditer(text)
            if found["letter"] in choices and not denied(text, found.start())
        ]
    return max(statements, key=lambda statement: statement[0])[1] if statements else None


def _said(said: str, choices: Choices) -> str | None:
    """What a statement names: a letter, or the text of one option in its first sentence."""
    found = LABEL.match(said)
    if found and found["letter"].upper() in choices and _is_letter(found["letter"], found["rest"]):
        beside = re.split(r"[.\n]", found["rest"].lstrip(PUNCTUATION), maxsplit=1)[0]
        others = [key for key, option in choices.items() if _equal(option, beside)]
        agrees = not others or found["letter"].upper() in others
        return found["letter"].upper() if agrees and not ANOTHER.match(found["rest"]) else UNDECIDED
    whole = _whole(said, choices)
    if whole is not None:
        return whole
    texts = named(re.split(r"\.(?:\s|$)", said, maxsplit=1)[0], choices)
    return next(iter(texts)) if len(texts) == 1 else None


def _is_letter(letter: str, rest: str) -> bool:
    """Whether a letter before `rest` is a label, not an article or a pronoun; small ones must stand alone."""
    if letter.islower():
        return not rest.strip() or rest.lstrip(" ")[:1] in (".", ",", ";", ":", "!", "\n")
    return (
        letter not in "AI"
        or not rest.strip()
        or REASON.match(rest) is not None
        or ANOTHER.match(rest) is not None
    )


def _last_line(text: str, choices: Choices) -> str | None:
    """The last of several lines is an option, and no other line is another one.

    Options listed once more with their texts are no answers beside a last line that is only a letter.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = _whole(lines[-1], choices) if len(lines) > 1 else None
    if not last:
        return last
    rivals = lines[:-1]
    if len(lines[-1].strip(PUNCTUATION)) == 1:
        rivals = [line for line in rivals if len(line.strip(PUNCTUATION)) == 1]
    return UNDECIDED if {_whole(line, choices) for line in rivals} - {None, last} else last


def _opening(text: str, choices: Choices) -> str | None:
    """A capital letter, then its reason, and no other letter or option text after it."""
    found = LABEL.match(text)
    if not found or found["letter"] not in choices or not REASON.match(found["rest"]):
        return None
    others = _letters(found["rest"], choices) | named(found["rest"], choices)
    return found["letter"] if others <= {found["letter"]} else UNDECIDED


def _closing(text: str, choices: Choices) -> str | None:
    """ "I think it is B" at the end, where no other letter stands in the text."""
    found = CLOSING.search(text)
    if not found or found["letter"] not in choices or denied(text, found.start("letter")):
        return None
    return found["letter"] if _letters(text, choices) == {found["letter"]} else UNDECIDED


def _option_text(text: str, choices: Choices) -> str | None:
    """Exactly one option is named in words, and no letter contradicts it."""
    texts = named(text, choices)
    if len(texts) != 1:
        return None
    return next(iter(texts)) if _letters(text, choices) <= texts else UNDECIDED


def _letters(text: str, choices: Choices) -> set[str]:
    """Choice letters that stand alone as capitals; "A man" and "I think" are words."""
    return {letter for letter in ALONE.findall(ARTICLES.sub(" ", text)) if letter in choices}


READERS: dict[str, Callable[[str, Choices], str | None]] = {
    "the whole answer": _whole,
    "last statement": _stated,
    "last line": _last_line,
    "opening letter with its reason": _opening,
    "closing letter": _closing,
    "option text": _option_text,
}
