"""The engine (sampling, replay, update) beside the straightforward way, beside TRL, and beside its floor."""

THREADS = 2  # the cores that the targets are set for
