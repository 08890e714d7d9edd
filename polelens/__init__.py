"""What does a black-box image classifier look at, and how far can each explanation be trusted?"""

from polelens.single import Explanation, explain

__all__ = ["Explanation", "explain"]
