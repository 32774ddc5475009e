"""Public benchmarks in their published files, one benchmark a module, read into one table."""
