"""The pages of the documentation, and their fenced blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = "```"
ELISION = "..."


@dataclass(frozen=True)
class Block:
    page: Path
    line: int  # of the opening fence
    language: str
    words: tuple[str, ...]  # behind the language, what says how it is checked
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def world(self) -> str | None:
        """The small project that it is run in: `run=NAME`."""
        return next((word.removeprefix("run=") for word in self.words if word.startswith("run=")), None)

    @property
    def rule(self) -> str:
        """How what is printed is compared, or what else the block is; "" where nothing is said."""
        return " ".join(word for word in self.words if not word.startswith("run="))


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    opened, lines = None, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith(FENCE):
            lines.append(line)
        elif opened is None:
            opened, lines = (number, line.removeprefix(FENCE).split()), []
        else:
            start, info = opened
            yield Block(page, start, info[0] if info else "", tuple(info[1:]), "\n".join(lines))
            opened = None
    assert opened is None, f"{page.name}: the block that line {opened} opens is never closed"


def prose(page: Path) -> list[tuple[int, str]]:
    """The numbered lines of a page that stand in no block."""
    inside, found = False, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith(FENCE):
            inside = not inside
        elif not inside:
            found.append((number, line))
    return found


@dataclass(frozen=True)
class Command:
    """A line of a console block behind `$`, and what the block says that it prints."""

    line: str
    output: str


def console_commands(block: Block) -> list[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    found: list[Command] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append(Command(line.removeprefix("$ "), ""))
        else:
            assert found, f"{block.name}: output before the first command"
            last = found.pop()
            found.append(Command(last.line, f"{last.output}{line}\n"))
    return found
