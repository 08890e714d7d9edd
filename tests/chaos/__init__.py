"""Faults, for real: what is broken in mid-audit, and the stage it is broken on."""
