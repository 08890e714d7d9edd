"""The classifier: read, normalised, tried and run, and the graphs that are made of it."""
