"""A benchmark from its files: which of its forms they have, and their rows as items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vzero.benchmarks.cells import text_of
from vzero.benchmarks.declaration import Benchmark, Form
from vzero.benchmarks.files import Opened, open_files
from vzero.benchmarks.items import ItemReader
from vzero.config import Crops, NaCells
from vzero.errors import SourceError
from vzero.untrusted.rejects import Reject, RejectCode, Rejected


@dataclass
class BenchmarkFile:
    """An opened benchmark. Its rows can be gone through once; after that, `notices` is complete."""

    benchmark: Benchmark
    path: Path
    form: Form
    opened: Opened
    max_megapixels: float
    crops: Crops
    notices: list[str] = field(default_factory=list)
    """What a reader of the numbers should know: another size than published, columns that are not there."""

    def rows(self) -> Iterator[dict[str, Any] | Reject]:
        """Items (columns of `tables.BenchmarkItems` but for the version) and rejects, in file order."""
        reader = ItemReader(self.benchmark, self.form, self.max_megapixels, self.crops)
        seen: set[str] = set()
        counts: Counter[str] = Counter()
        categories: set[str] = set()
        for number, row in enumerate(self.opened.rows(self.form.images)):
            if not self._belongs(row):
                counts["others"] += 1
                continue
            read = _read(reader, row, number, seen)
            if not isinstance(read, Reject):
                counts["items"] += 1
                counts["without box"] += not read["boxes"]
                categories.add(read["category"])
            yield read
        self._take_note(counts, categories)

    def _belongs(self, row: dict[str, Any]) -> bool:
        keep = self.form.keep
        return keep is None or text_of(row.get(keep[0])) == keep[1]

    def _take_note(self, counts: Counter[str], categories: set[str]) -> None:
        benchmark, form = self.benchmark, self.form
        published = benchmark.published_size
        if published not in (None, counts["items"]):
            self.notices.append(f"{counts['items']} items, the published benchmark has {published}")
        for column in form.optional:
            if column not in self.opened.columns:
                self.notices.append(f"no column {column}")
        if counts["others"] and form.keep:
            column, value = form.keep
            self.notices.append(f"{counts['others']} rows with another {column} than {value} are left out")
        if form.boxes in self.opened.columns and counts["without box"]:
            self.notices.append(f"{counts['without box']} items without a usable box")
        unknown = sorted(categories - {"", *benchmark.categories})
        if benchmark.categories and unknown:
            self.notices.append(f"unknown categories: {', '.join(unknown)}")


def open_benchmark(
    benchmark: Benchmark, path: Path, *, na_cells: NaCells, max_megapixels: float, crops: Crops
) -> BenchmarkFile:
    """Find out which published form a file or folder has.

    `crops` says how crops are cut where only boxes are published. Raises SourceError when it has
    none of them, which names what was expected and what was found.
    """
    if not path.exists():
        raise SourceError(f"{benchmark.name}: {path}: no such file or folder")
    misfits = []
    for form in benchmark.forms:
        files = _files(path, form)
        if not files:
            continue
        opened = open_files(files, na_cells)
        missing = [column for column in form.columns if column not in opened.columns]
        if not missing:
            return BenchmarkFile(benchmark, path, form, opened, max_megapixels, crops)
        found = ", ".join(opened.columns) or "none"
        misfits.append(f"{form.files} with columns {', '.join(form.columns)} (found {found})")
    if misfits:
        raise SourceError(f"{benchmark.name}: {path} does not fit; expected {'; or '.join(misfits)}")
    kinds = ", ".join(dict.fromkeys(form.files for form in benchmark.forms))
    raise SourceError(f"{benchmark.name}: {path}: expected {kinds}; found {_listing(path)}")


def _files(path: Path, form: Form) -> list[Path]:
    """Files of a form: the one given if its suffix fits, or those in a folder and below it."""
    if path.is_file():
        return [path] if path.suffix.lower() == Path(form.files).suffix else []
    # Download tools keep notes of their own in hidden folders.
    found = (file for file in path.rglob(form.files) if not _hidden(file.relative_to(path)))
    return sorted(file for file in found if file.is_file())


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _listing(path: Path) -> str:
    if path.is_file():
        return f"a file that ends in {path.suffix or 'nothing'}"
    names = [entry.name for entry in sorted(path.iterdir())]
    shown = ", ".join(names[:8])
    return f"{shown}, ..." if len(names) > 8 else shown or "an empty folder"


def _read(reader: ItemReader, row: dict[str, Any], number: int, seen: set[str]) -> dict[str, Any] | Reject:
    name = text_of(row.get(reader.form.item))
    try:
        item = reader.read(row)
        if item["item"] in seen:
            raise Rejected(RejectCode.DUPLICATE_ID, "an earlier row has this id")
    except Rejected as rejected:
        return Reject(number, rejected.code, rejected.detail, sample_id=name)
    seen.add(item["item"])
    return item
