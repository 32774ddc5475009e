"""`vzero audit`: which labels of self-play are right, as a table and a page.

Not a stage of the graph: it alone reads truths, and no stage reads what it writes.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.config import Params
from vzero.paths import Paths
from vzero.report.summary import summarise
from vzero.selfplay.audit import audit
from vzero.selfplay.audit_gallery import gallery
from vzero.selfplay.audit_page import Told, render
from vzero.selfplay.played import played
from vzero.selfplay.truths import known_truths
from vzero.shards import atomic_folder, read, shard_path, write_table
from vzero.tables import LABEL, Audit, Predictions, Scores


def run(params: Params, paths: Paths) -> dict[str, Any]:
    """Write both for the iterations that have run; the summary says how many labels are right."""
    iterations = played(params.selfplay, paths)
    known = known_truths(iterations, params.selfplay.photographs.values())
    audits = pl.concat([audit(one, known) for one in iterations])
    shown = gallery(iterations, known, paths, count=params.report.gallery, seed=params.report.seed)
    page = render(Told(params, iterations, audits, known, _headlines(params, paths), shown))
    with atomic_folder(paths.audit_report) as folder:
        write_table(shard_path(folder / paths.audit.name, 0), audits, Audit)
        (folder / paths.audit_page.name).write_text(page, encoding="utf-8")
    labels = audits.filter(voter=LABEL)
    return {
        "page": paths.audit_page.as_posix(),
        "labels": int(labels["n"].sum()),
        "right": int(labels["right"].sum()),
    }


def _headlines(params: Params, paths: Paths) -> pl.DataFrame | None:
    """Base and Solvers on the benchmarks that all of them have answered."""
    models = ["base", *params.selfplay.evaluated]
    benchmarks = [
        name
        for name in params.evaluate.benchmarks
        if all(paths.scores(model, name).is_dir() for model in models)
    ]
    if len(models) == 1 or not benchmarks:
        return None
    cells = [(model, name) for model in models for name in benchmarks]
    predictions = pl.concat(read(paths.predictions(*cell), Predictions) for cell in cells)
    scores = pl.concat(read(paths.scores(*cell), Scores) for cell in cells)
    evaluate = params.evaluate.model_copy(update={"benchmarks": tuple(benchmarks)})
    return summarise(predictions, scores, evaluate, models)
