"""The pages: audits, grids of photographs and single photographs, made from the ledger when somebody looks.

Needs the extra `web`.
"""
