"""How what a page says is printed is compared with what is printed.

The rules, as a block names them:

| rule | what must agree |
|---|---|
| (none) | every word |
| numbers | every word but for numbers: those of a real run, where a test has a small one |
| columns | the names and types of a table's columns, whose rows are those of a real run |

Blanks, line ends and the length of drawn lines are passed over, so that a page may fold long lines. A line
`...` stands for any lines, and the same at a line's end for the rest of that line.
"""

from __future__ import annotations

import re

from docs_blocks import ELISION

NUMBER = re.compile(r"(?<![A-Za-z#])<?[-+]?\d[\d,]*(\.\d+)?")
DRAWN = re.compile(r"[─━═┄┈—-]{3,}")


def normal(text: str, rule: str) -> str:
    """Text as the rule sees it."""
    if rule == "numbers":
        text = NUMBER.sub("#", text)
    return " ".join(DRAWN.sub("---", text).split())


def columns(table: str) -> list[list[str]]:
    """The cells above a printed table's double line: names, and types."""
    lines = table.strip().splitlines()
    rule = next(number for number, line in enumerate(lines) if line.startswith("╞"))
    rows = [re.split("[│┆]", line)[1:-1] for line in lines[2:rule]]
    return [[cell.strip() for cell in row] for row in rows]


def check_output(expected: str, printed: str, rule: str, name: str) -> None:
    """Fails where what was printed is not what the page says."""
    if rule == "columns":
        assert columns(expected) == columns(printed), name
        return
    found, start = normal(printed, rule), 0
    segments = [normal(segment, rule) for segment in re.split(r"(?m)^\.\.\.\n|(?<= )\.\.\.$", expected)]
    for number, segment in enumerate(segments):
        place = found.find(segment, start)
        assert place >= 0, f"{name}: not printed: {segment}\nprinted: {printed}"
        assert number or place == 0, f"{name}: printed before it: {found[:place]}"
        start = place + len(segment)
    ends = expected.rstrip().endswith(ELISION) or start == len(found)
    assert ends, f"{name}: printed behind it: {found[start:]}"
