"""Experiments: many arms, many seeds, the same questions."""
