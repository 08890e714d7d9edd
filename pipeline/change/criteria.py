"""Criteria: when does a change count? By themselves, since the settings read them and import nothing slow."""

FALSE_ALARMS = 0.05  # of the photographs said to have changed, at most so many are expected not to have

# Between two pooled attributions of length 1: about what the choice of nine other seeds alone makes of it on the demo's
# models, so that a smaller one is not to be seen in the pictures. See benchmarks/change.py and docs/schedules.md.
LEAST_DISTANCE = 0.02
