"""Prefect flows over the graph that DVC owns."""
