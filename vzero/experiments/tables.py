"""Tables of an experiment: what runs cost, what students could do at every mark, which labels were right.

They lie in `experiments/results/NAME/`, a file a cell, and belong into git: whoever has them need not run the
cells again.
"""

from __future__ import annotations

import dataframely as dy

from vzero.tables import LABEL, PHASES, VOTERS

IN_WINDOW = "in_window"
COST = {
    "step": dy.Int32(nullable=False),  # a mark
    "phase": dy.Enum(PHASES, nullable=False),
    "seconds": dy.Float64(nullable=False),
    "flops": dy.Float64(nullable=False),  # counted, not measured: 2 a multiply-add
    "tokens": dy.Int64(nullable=False),  # of answers
}


class Runs(dy.Schema):
    """One row a cell: what made it and what it cost."""

    arm = dy.String(primary_key=True)
    seed = dy.Int64(primary_key=True)
    params_hash = dy.String(nullable=False)
    code_hash = dy.String(nullable=False)
    commit = dy.String(nullable=False)  # of git, `+` behind it where files differed; "" without git
    hardware = dy.String(nullable=False)
    finished_at = dy.Datetime(nullable=False, time_zone="UTC")
    seconds = dy.Float64(nullable=False)  # of the whole cell, evaluation and starts of programs included
    peak_memory = dy.Float64(nullable=False)  # MiB, of training
    labels = dy.Int64(nullable=False)  # answers to questions that training read
    costs = dy.List(dy.Struct(COST, nullable=False), nullable=False)  # from the start to each mark


class Curves(dy.Schema):
    """One row an item that the student of a cell was asked at a mark."""

    arm = dy.String(primary_key=True)
    seed = dy.Int64(primary_key=True)
    step = dy.Int32(primary_key=True)  # 0: the student as it was
    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    group = dy.String(nullable=False)  # items about the same image
    category = dy.String(nullable=False)
    score = dy.Float64(nullable=False)  # the mean over a benchmark's items is its accuracy


class Audits(dy.Schema):
    """How often votes and labels are right, as `tables.Audit`; of self-play alone."""

    arm = dy.String(primary_key=True)
    seed = dy.Int64(primary_key=True)
    iteration = dy.String(primary_key=True)
    # in_window: of questions that were written about a window, whether all that they name is whole in it.
    voter = dy.Enum([*VOTERS, LABEL, IN_WINDOW], primary_key=True)
    confidence = dy.Float64(primary_key=True)  # share of the votes; 1 of in_window
    n = dy.Int32(nullable=False, min=1)  # questions whose truth is known
    right = dy.Int32(nullable=False, min=0)
