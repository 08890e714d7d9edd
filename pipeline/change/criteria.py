"""Criteria: when does a change count? By themselves, since the settings read them and import nothing slow."""

FALSE_ALARMS = 0.05  # of the photographs said to have changed, at most so many are expected not to have

# Between two pooled attributions of length 1: less than the choice of nine other seeds makes of one model of the demo,
# so that nobody sees it in the pictures. See benchmarks/change.py and docs/schedules.md.
LEAST_DISTANCE = 0.015

LEAST = 0.01  # of a mean difference over an archive: what two decimals show
FEWEST = 6  # photographs for a verdict: of five that all move one way chance makes more than one in 20 (sign test)
