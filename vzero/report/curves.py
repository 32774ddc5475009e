"""Learning curves: which metrics are shown, in which words, and how they are smoothed."""

from __future__ import annotations

import polars as pl

WINDOW_SHARE = 0.1  # of the steps, averaged for the smoothed line

CURVES: dict[str, tuple[str, str]] = {
    "loss": ("loss, nats", "Gated objective"),
    "teacher_gap": ("gap, nats a token", "Student minus right-crop teacher, log-prob of the sampled token"),
    "evidence_delta": ("delta, nats a token", "Right-crop minus wrong-crop teacher: the evidence gap"),
    "entropy": ("surprise, nats a token", "Mean surprise of the sampled tokens"),
    "response_tokens": ("tokens", "Mean answer length"),
    "truncated": ("share", "Answers cut off before their end token"),
    "grad_norm": ("norm", "Gradient norm before clipping"),
    "effective_rollouts": ("share", "Effective share of rollouts under the weights"),
    "mismatch": ("nats a token", "How far the servers' log-probs are from our replay's"),
    "ratio_cut": ("share", "Tokens whose ratio to the servers' policy is cut"),
    "score_std": ("nats a token", "Spread of the evidence scores over the batch"),
}
"""Column of the train_log: axis title and heading."""


def smooth(values: pl.Series) -> pl.Series:
    """Centred moving mean over a tenth of the steps; the ends average what is there, gaps are left out."""
    window = max(1, round(len(values) * WINDOW_SHARE))
    finite = (
        values.cast(pl.Float64).to_frame("value").select(pl.when(pl.col("value").is_finite()).then("value"))
    )
    return finite["value"].rolling_mean(window, min_samples=1, center=True)


def curve(train_log: pl.DataFrame, column: str) -> pl.DataFrame:
    """One metric over the steps: step, raw, smoothed."""
    return train_log.select("step", raw=pl.col(column)).with_columns(smoothed=smooth(train_log[column]))


def plot_rows(train_log: pl.DataFrame) -> list[dict[str, float | None]]:
    """The shown metrics, one row a step, for `dvc plots`; undefined values become null."""
    columns = pl.col(*CURVES).cast(pl.Float64)
    finite = pl.when(columns.is_finite()).then(columns.round_sig_figs(6))
    return train_log.select("step", finite).to_dicts()
