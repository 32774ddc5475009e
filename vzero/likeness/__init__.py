"""Which pictures look alike: pairs of near hashes, overlaps of data with benchmarks, nearest images."""
