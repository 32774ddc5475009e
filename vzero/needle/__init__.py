"""The embedded synthetic world: scenes, questions, benchmarks, and the tiny models made for it."""
