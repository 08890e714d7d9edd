"""What is asked: probes, the side that asks them, and how no question is asked twice."""
