"""One `run(params, paths)` a stage: reads tables, writes tables and a summary."""
