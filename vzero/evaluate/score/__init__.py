"""From hits to the numbers that each benchmark reports.

`score` works on our own tables. The modules beside it take rows as toolkits store them, each with its
hit: mappings with index, question, A to Z (None or NaN is no option), answer and category columns.
"""

from vzero.evaluate.score.predictions import WHOLE, score

__all__ = ["WHOLE", "score"]
