"""Measurements that a reader can repeat: the rows of docs/benchmarks.md, and commands that stand alone."""
