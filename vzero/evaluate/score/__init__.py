"""From hits to the numbers that each benchmark reports.

`score` works on our own tables. The others take rows as toolkits store them: mappings with index,
question, A to Z (an option that is None or NaN is not there), answer, prediction, and category columns.
"""

from vzero.evaluate.score.accuracy import accuracy_table
from vzero.evaluate.score.cycles import hrbench, hrbench_strict, position_bias
from vzero.evaluate.score.predictions import WHOLE, score
from vzero.evaluate.score.rotations import circular
from vzero.evaluate.score.suites import cv_bench, mme_realworld, mmstar

__all__ = [
    "WHOLE",
    "accuracy_table",
    "circular",
    "cv_bench",
    "hrbench",
    "hrbench_strict",
    "mme_realworld",
    "mmstar",
    "position_bias",
    "score",
]
