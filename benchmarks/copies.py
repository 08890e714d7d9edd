"""Copies: an audit's rows in Postgres many times over, as an archive has them."""

from sqlalchemy import Connection, text

from benchmarks.live_stack import Stand

TABLES = ("explanation", "attribution", "audit_explanation")


def multiply(here: Stand, most: int) -> float:
    """Copy the explanations that there are until there are about so many more; the bytes that each copy takes."""
    with here.engine.begin() as c:
        explained = int(c.execute(text("SELECT count(*) FROM explanation")).scalar_one())
        size, copies = _size(c), -(-most // explained)
        own, answers, wanted = (_columns(c, table) for table in TABLES)
        values = {"copies": copies}
        c.execute(text(_EXPLANATIONS.format(columns=", ".join(f'"{one}"' for one in sorted(own - {"key"})))), values)
        for table, columns in (("attribution", answers), ("audit_explanation", wanted)):
            others = ", ".join(f'"{one}"' for one in sorted(columns - {"explanation_id"}))
            picked = ", ".join(f't."{one}"' for one in sorted(columns - {"explanation_id"}))
            c.execute(text(_OF_THEM.format(table=table, columns=others, picked=picked)), values)
        return (_size(c) - size) / copies / explained


def _columns(c: Connection, table: str) -> set[str]:
    """The columns of a table that are written."""
    return set(c.scalars(text(_WRITTEN), {"table": table}))


def _size(c: Connection) -> int:
    return sum(int(c.execute(text(f"SELECT pg_total_relation_size('{table}')")).scalar_one()) for table in TABLES)


_WRITTEN = """
SELECT column_name FROM information_schema.columns
WHERE table_name = :table AND is_generated = 'NEVER' AND is_identity = 'NO' AND table_schema = 'public'
"""
_EXPLANATIONS = """
INSERT INTO explanation (key, {columns})
SELECT encode(sha256(convert_to(key || n, 'UTF8')), 'hex'), {columns}
FROM explanation, generate_series(1, :copies) n
"""
_OF_THEM = """
INSERT INTO {table} (explanation_id, {columns})
SELECT copy.id, {picked} FROM {table} t JOIN explanation e ON e.id = t.explanation_id
CROSS JOIN generate_series(1, :copies) n
JOIN explanation copy ON copy.key = encode(sha256(convert_to(e.key || n, 'UTF8')), 'hex')
"""
