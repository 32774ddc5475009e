"""Sampling grouped answers and replaying them under other views, from prefixes that are encoded once."""
