"""Every table's schema: columns, types, keys and meaning. The contract between stages.

Tables are folders of Parquet shards (`vzero.shards`). All boxes are xyxy in pixels of the image in the table:
x to the right, y down, the right and bottom edge exclusive.

What a clock said stands in the timings alone (and in `promoted_at`, which no stage of the graph writes): two
runs of the same code and params on one processor write the same bytes into all other tables.
"""

from __future__ import annotations

import dataframely as dy

from vzero.tables.data import (
    FALLBACKS,
    FATES,
    QUESTION_KINDS,
    SHOWN_IMAGES,
    SPLITS,
    BenchmarkItems,
    Cleanings,
    Crops,
    Funnel,
    Images,
    Objects,
    Overlaps,
    Quality,
    Rejects,
    Samples,
)
from vzero.tables.evaluation import (
    AGGREGATES,
    REFUSED,
    EvaluateTimings,
    Predictions,
    Promotions,
    Scores,
    Summary,
)
from vzero.tables.selfplay import (
    LABEL,
    VOTERS,
    Audit,
    Photographs,
    Questions,
    SolverSet,
    Stems,
    Votes,
)
from vzero.tables.training import (
    FINISH_REASONS,
    LEFT_OUT,
    PHASES,
    LeftOut,
    Rollouts,
    TrainLog,
    TrainTimings,
)

__all__ = [
    "AGGREGATES",
    "FALLBACKS",
    "FATES",
    "FINISH_REASONS",
    "LABEL",
    "LEFT_OUT",
    "PHASES",
    "QUESTION_KINDS",
    "REFUSED",
    "SHOWN_IMAGES",
    "SPLITS",
    "TABLES",
    "VOTERS",
    "Audit",
    "BenchmarkItems",
    "Cleanings",
    "Crops",
    "EvaluateTimings",
    "Funnel",
    "Images",
    "LeftOut",
    "Objects",
    "Overlaps",
    "Photographs",
    "Predictions",
    "Promotions",
    "Quality",
    "Questions",
    "Rejects",
    "Rollouts",
    "Samples",
    "Scores",
    "SolverSet",
    "Stems",
    "Summary",
    "TrainLog",
    "TrainTimings",
    "Votes",
]

TABLES: dict[str, type[dy.Schema]] = {
    "images": Images,
    "samples": Samples,
    "rejects": Rejects,
    "funnel": Funnel,
    "cleanings": Cleanings,
    "objects": Objects,
    "crops": Crops,
    "quality": Quality,
    "left_out": LeftOut,
    "rollouts": Rollouts,
    "train_log": TrainLog,
    "train_timings": TrainTimings,
    "benchmark_items": BenchmarkItems,
    "overlaps": Overlaps,
    "predictions": Predictions,
    "evaluate_timings": EvaluateTimings,
    "scores": Scores,
    "promotions": Promotions,
    "summary": Summary,
    "photographs": Photographs,
    "questions": Questions,
    "votes": Votes,
    "solver_set": SolverSet,
    "stems": Stems,
    "audit": Audit,
}
