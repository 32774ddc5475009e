"""Iterations of Questioner and Solver (arXiv 2601.10094): from images alone to a Solver, a stage a step."""
