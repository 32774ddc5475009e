"""The tables of `ingest` and their counts, made of checked rows (`ingest.merge`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from vzero import shards, tables
from vzero.config import Ingest, Params
from vzero.errors import SourceError
from vzero.ingest import curation, merge
from vzero.ingest.funnel import funnel
from vzero.progress import LoggedProgress, counted_columns
from vzero.sources.annotation import Source
from vzero.untrusted.rejects import RejectCode
from vzero.workers.completed import Completed


@dataclass(frozen=True)
class IngestRun:
    """What all steps of one ingest share: what is read, where it is kept, who works and where it is told."""

    params: Params
    sources: list[Source]
    folder: Path
    console: Console
    completed: Completed


def write_tables(run: IngestRun, rows: Counter[str], unusable: pl.DataFrame) -> dict[str, Any]:
    """Write the tables under `tables` of the run's folder and return the counts.

    `rows` are those of each source; `unusable` are the rejects of benchmarks, which go into the same table.
    """
    params, folder, console = run.params, run.folder, run.console
    target = folder / "tables"
    suspects = merge.find_suspects(folder)
    left_out = _left_out(params, folder, suspects)
    rejects = merge.write_rejects(folder, target / "rejects", left_out, unusable)
    _require_usable_rows(params.ingest, rows, rejects, target / "rejects")
    images, samples = _write_shards(run, left_out, suspects)
    if samples + rejects.total() != rows.total():
        raise RuntimeError(f"{rows.total()} rows became {samples} samples and {rejects.total()} rejects")
    codes: Counter[str] = Counter()
    for (_, code), count in rejects.items():
        codes[code] += count
    return {
        "rows": rows.total(),
        "samples": samples,
        "images": images,
        "rejects": dict(sorted(codes.items())),
        "sources": {name: _share(name, rows, rejects) for name in params.ingest.sources},
        "suspect": _count_suspects(target, console),
        "repairs": _count_repairs(folder, left_out, console),
        "cleanings": _write_cleanings(folder, left_out, console),
        "objects": _write_objects(folder, console),
        "funnel": _write_funnel(params, folder, rows.total(), codes, console),
    } | _count_without_box(target, console)


def _write_shards(run: IngestRun, left_out: pl.DataFrame, suspects: pl.DataFrame) -> tuple[int, int]:
    """Write all shards of images and samples; how many there are of each."""
    folder, target = run.folder, run.folder / "tables"
    opened = {source.name: source.images for source in run.sources}
    images, samples = [], []

    def jobs() -> Iterator[tuple]:
        for shard in merge.plan_shards(folder, left_out, suspects, run.params.ingest.shard_images):
            images.append(len(shard.image_ids))
            samples.append(len(shard.positions))
            yield folder, shard, opened, target / "images", target / "samples"

    with LoggedProgress(*counted_columns("shards"), console=run.console) as progress:
        task = progress.add_task("ingest: shards", total=None)
        for _ in run.completed(merge.write_shard, jobs()):
            progress.advance(task)
    for path in shards.files(target / "images")[len(images) :]:  # of a guess that was wrong
        path.unlink()
    return sum(images), sum(samples)


def _left_out(params: Params, folder: Path, suspects: pl.DataFrame) -> pl.DataFrame:
    """Checked samples that repeat an id, or that `ingest.filters` leaves out: position, code and detail."""
    repeated = merge.find_repeated(folder)
    if not curation.switched_on(params.ingest.filters):
        return repeated
    samples, images = (merge.scan_parts(folder, schema) for schema in (tables.Samples, tables.Images))
    first = samples.join(repeated.lazy(), on="position", how="anti")
    items = shards.read(folder / "benchmark_items", tables.BenchmarkItems, ["benchmark", "item", "pictures"])
    measured = curation.measure(first, images, suspects)
    return pl.concat([repeated, curation.left_out(measured, params.ingest, items)])


def _require_usable_rows(
    config: Ingest, rows: Counter[str], rejects: Counter[tuple[str, str]], table: Path
) -> None:
    """Raises SourceError when no row of a source passes the checks, or filters leave nothing at all.

    The first means that the source's parameters are wrong, more likely than all its rows. The table of
    rejects, which is not published then, gives an example.
    """
    for name in config.sources:
        codes = {code: count for (source, code), count in sorted(rejects.items()) if source == name}
        checks = sum(count for code, count in codes.items() if code not in curation.FILTERS)
        if checks == rows[name] or rejects.total() == rows.total():
            found = ", ".join(f"{code}: {count}" for code, count in codes.items())
            why = found or "the source is empty"
            example = _example(table, name, max(codes, key=codes.__getitem__)) if codes else ""
            advice = _advice(config.key(name), drawn=RejectCode.DRAWN_BOX in codes)
            raise SourceError(f"{name}: none of {rows[name]} rows can be used ({why}){example}. {advice}")


def _advice(key: str, *, drawn: bool) -> str:
    if not drawn:
        return f"See {key} in params.yaml"
    return (
        "The pictures, as published, have the evidence drawn in, which would tell the student where to look. "
        f"Name the clean originals ({key}.images; ZwZ's mini form has them, {key}.image_column: "
        f"original_images), or take the pictures as they are ({key}.allow_drawn_boxes: true)"
    )


def _example(rejects: Path, source: str, code: str) -> str:
    chosen = shards.scan(rejects, tables.Rejects).filter(source=source, code=code).head(1).collect()
    row = chosen.row(0, named=True)
    image = f", image {row['image']}" if row["image"] else ""
    return f"; row {row['row']}{image}: {row['detail']}"


def _share(name: str, rows: Counter[str], rejects: Counter[tuple[str, str]]) -> dict[str, int]:
    """Rows and samples of a source."""
    left_out = sum(count for (source, _), count in rejects.items() if source == name)
    return {"rows": rows[name], "samples": rows[name] - left_out}


def _count_suspects(target: Path, console: Console) -> dict[str, Any]:
    """Images that are suspects, their share of all, and the samples that show them."""
    flags = shards.read(target / "images", tables.Images, ["image_id", "suspect"])
    suspects = flags.filter("suspect")
    samples = shards.scan(target / "samples", tables.Samples, ["sample_id", "image_id", "more_image_ids"])
    shown = samples.select("sample_id", image_id=tables.SHOWN_IMAGES).explode("image_id")
    about = shown.join(suspects.lazy(), on="image_id", how="semi").collect()["sample_id"].n_unique()
    share = suspects.height / flags.height if flags.height else 0.0
    if suspects.height:
        console.print(
            f"ingest: {suspects.height:,} images ({share:.1%}) are suspects: rows about them were rejected "
            f"for boxes outside or another size. Look at the {about:,} samples about them, or leave them out "
            "by ingest.filters.refuse_suspect_images",
            markup=False,
        )
    return {"images": suspects.height, "share": round(share, 4), "samples": about}


def _count_without_box(target: Path, console: Console) -> dict[str, int]:
    """Samples that no region is known of, where there are any."""
    boxes = shards.scan(target / "samples", tables.Samples, ["evidence_box"])
    count = boxes.select(pl.col("evidence_box").is_null().sum()).collect().item()
    if count:
        console.print(f"ingest: {count:,} samples have no box, which ingest.missing_box keeps")
    return {"without_box": count} if count else {}


def _count_repairs(folder: Path, left_out: pl.DataFrame, console: Console) -> dict[str, dict[str, int]]:
    """Samples by source and what was put right."""
    return _told(merge.count_marked(folder, left_out, "repairs"), "put right", "{} of {:,} samples", console)


def _write_cleanings(folder: Path, left_out: pl.DataFrame, console: Console) -> dict[str, dict[str, int]]:
    """Write which phrases were taken off questions and options; samples by source and phrase."""
    counts = merge.count_marked(folder, left_out, "cleanings")
    rows = counts.select("source", cleaning="cleanings", samples=pl.col("samples").cast(pl.Int64))
    shards.write_table(shards.shard_path(folder / "tables/cleanings", 0), rows, tables.Cleanings)
    return _told(counts, "taken off questions", "{} of {:,} samples", console)


def _write_objects(folder: Path, console: Console) -> dict[str, dict[str, int]]:
    """Write what became of annotated objects; how many by source and fate."""
    rows = merge.count_objects(folder)
    shards.write_table(shards.shard_path(folder / "tables/objects", 0), rows, tables.Objects)
    counts = rows.group_by("source", "fate").agg(pl.col("objects").sum()).sort("source", "fate")
    return _told(counts, "annotated objects", "{} {:,}", console)


def _told(counts: pl.DataFrame, done: str, each: str, console: Console) -> dict[str, dict[str, int]]:
    """Rows of source, name and number by source, and a line for each source; `each` words a name."""
    by_source: dict[str, dict[str, int]] = {}
    for source, name, number in counts.rows():
        by_source.setdefault(source, {})[name] = number
    for source, found in by_source.items():
        listed = ", ".join(each.format(name, number) for name, number in found.items())
        console.print(f"ingest: {source}: {done}: {listed}", markup=False)
    return by_source


def _write_funnel(
    params: Params, folder: Path, rows: int, codes: Counter[str], console: Console
) -> dict[str, int]:
    """Write and print how the rows became samples; how many were left after each step."""
    steps = funnel(rows, codes, params.ingest)
    shards.write_table(shards.shard_path(folder / "tables/funnel", 0), steps, tables.Funnel)
    shown = Table("step", "rows", "left out", "parameters")
    for row in steps.iter_rows(named=True):
        left_out = f"{row['left_out']:,}" if row["left_out"] else ""
        shown.add_row(row["name"], f"{row['rows_out']:,}", left_out, row["parameters"])
    console.print(shown)
    return dict(steps.select("name", "rows_out").iter_rows())
