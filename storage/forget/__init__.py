"""Forgetting: audits, models and photographs go with all that is theirs alone, and what nobody wants is swept."""
