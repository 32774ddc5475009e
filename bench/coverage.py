"""How often intervals over items and seeds hold the truth, in simulated experiments whose truth is known.

`python -m bench.coverage` takes half an hour and writes `bench/results/coverage.parquet`: for every setting
the share of 2,000 draws whose interval holds the truth, the mean width as a fraction, and the share that call
a difference, by right or not. A nested bootstrap, which draws seeds and then items anew in each of them,
stands beside ours: it takes the items of two seeds for other items, and finds too little.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from bench.simulated_runs import Experiment, Training, items
from vzero import shards
from vzero.evaluate.crossed import crossed_difference, crossed_mean
from vzero.evaluate.reaching import cost_ratio

RESULTS = Path("bench/results/coverage.parquet")
DRAWS, AT_ONCE = 2_000, 100
RESAMPLES = 400
CONFIDENCE = 0.95
LAYOUTS = (
    items("200 items", (200,), 1),
    items("200 items, 2 to 4 an image", (200,), 4),
    items("280 and 120 items, 2 to 4 an image", (280, 120), 4),
)
GAINS = {0.5: 0.03, 0.95: 0.02}


def experiments() -> Iterator[Experiment]:
    """Every setting: seed spreads from none to what outweighs the items; arms that fit items alike or not."""
    for layout, seeds, accuracy in product(LAYOUTS, (3, 5, 10), GAINS):
        for spread, fit, gain in product((0.0, 0.25, 0.6), (0.0, 0.7), (0.0, GAINS[accuracy])):
            yield Experiment(layout, seeds, accuracy, gain, spread, fit)


def answers(experiment: Experiment, draws: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Baseline and arm of one draw after the other, (seeds, items) each."""
    rng = np.random.default_rng(0)
    for _ in range(0, draws, AT_ONCE):
        yield from zip(*experiment.draw(AT_ONCE, rng), strict=True)


def level(experiment: Experiment, draws: int) -> np.ndarray:
    """Limits of the arm's accuracy; (draws, 2)."""
    labels = experiment.items.groups, experiment.items.strata
    means = (crossed_mean(arm, *labels, confidence=CONFIDENCE) for _, arm in answers(experiment, draws))
    return np.array([(mean.low, mean.high) for mean in means])


def difference(experiment: Experiment, draws: int) -> np.ndarray:
    """Limits of the arm's accuracy minus the baseline's; (draws, 2)."""
    labels = experiment.items.groups, experiment.items.strata
    pairs = answers(experiment, draws)
    means = (crossed_difference(arm, base, *labels, confidence=CONFIDENCE) for base, arm in pairs)
    return np.array([(mean.low, mean.high) for mean in means])


def nested(experiment: Experiment, draws: int) -> np.ndarray:
    """Limits of the same difference by a percentile bootstrap of seeds, and of items within each; (draws, 2).

    For items of images of their own in one benchmark: how many of the gains -1, 0 and 1 are drawn counts.
    """
    rng, found = np.random.default_rng(1), []
    for base, arm in answers(experiment, draws):
        gains = arm.astype(int) - base
        seeds, count = gains.shape
        means = np.empty((RESAMPLES, seeds))
        drawn = rng.integers(seeds, size=means.shape)
        for seed in range(seeds):
            shares = np.bincount(gains[seed] + 1, minlength=3) / count
            times = rng.multinomial(count, shares, size=int((drawn == seed).sum()))
            means[drawn == seed] = times @ (-1, 0, 1) / count
        found.append(np.quantile(means.mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]))
    return np.array(found)


def row(interval: str, experiment: Experiment, limits: np.ndarray, truth: float) -> dict[str, object]:
    low, high = limits.T
    found = {
        "interval": interval,
        "items": experiment.items.name,
        "seeds": experiment.seeds,
        "accuracy": experiment.accuracy,
        "gain": experiment.gain,
        "seed_spread": experiment.seed_spread,
        "fit_spread": experiment.fit_spread,
        "draws": len(limits),
        "covered": float(((low <= truth) & (truth <= high)).mean()),
        "width": float((high - low).mean()),
        "called": float(((low > 0) | (high < 0)).mean()),
    }
    print(found, flush=True)
    return found


def measure(experiment: Experiment, draws: int = DRAWS) -> Iterator[dict[str, object]]:
    """A row for each interval of a setting. Levels and the bootstrap are measured in fewer of them."""
    yield row("difference", experiment, difference(experiment, draws), experiment.gain)
    if not experiment.gain and not experiment.fit_spread:
        yield row("accuracy", experiment, level(experiment, draws), experiment.accuracy)
    if experiment.gain and experiment.items is LAYOUTS[0]:
        yield row("nested bootstrap", experiment, nested(experiment, draws), experiment.gain)


def ratios() -> Iterator[dict[str, object]]:
    """The same of ratios of costs; width and gain are of the logarithm, and `draws` counts the intervals.

    The lower target lies where the curves are steep, the higher one where they are nearly flat.
    """
    settings = product(((LAYOUTS[1], 0.7), (LAYOUTS[0], 0.85)), (3, 5, 10), (0.5, 1.0), (0.0, 0.1, 0.3))
    for (layout, target), seeds, ratio, spread in settings:
        training, rng = Training(layout, seeds, ratio, spread), np.random.default_rng(0)
        labels = layout.groups, layout.strata
        found = (
            cost_ratio(*training.draw(rng), *labels, target=target, confidence=CONFIDENCE)
            for _ in range(DRAWS)
        )
        limits = np.log([(each.low, each.high) for each in found if each.low and each.high])
        gain = float(np.log(training.true_ratio(target)))
        yield row("ratio of costs", Experiment(layout, seeds, target, gain, spread, 0.0), limits, gain)


def main() -> None:
    found = [row for experiment in experiments() for row in measure(experiment)] + list(ratios())
    with shards.atomic_path(RESULTS) as temporary:
        pl.DataFrame(found).write_parquet(temporary)


if __name__ == "__main__":
    main()
