"""Coordination: what queue and ledger cost a photograph, with a small and a large archive behind."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import text

from benchmarks.live_stack import Stand, stand
from benchmarks.no_science import APP, PARTS
from benchmarks.pairs import PAIRS, Pairs, alternate
from benchmarks.planted import average
from benchmarks.row import Row
from pipeline.recipes import recipe

SMALL, LARGE = 10_000, 100_000
DRIVEN = 500  # photographs timed; a fifth as many are let by before, while the window fills, and after
WORKERS = 2

ROW = Row(
    "coordination",
    "queue and ledger with 100,000 photographs, 4 parts each, no science: growth of the cost a photograph, of Redis's "
    "memory or of the producer's, whichever is largest",
    "the same with 10,000 photographs",
    0.10,
    at_least=False,
)

IMAGES = """
INSERT INTO image (sha256, name, width, height, bytes)
SELECT encode(sha256(n::text::bytea), 'hex'), n || '.jpg', 4, 3, 12 FROM generate_series(1, :n) n
"""

# Half of them behind us, as in the middle of a run.
HALF = """
UPDATE explanation SET state = 'done', finished_at = now() - interval '1 day', evaluations = :parts
WHERE id <= (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM explanation)
"""

# The photograph that is planned so many places further on: when it is done, enough others are.
MARK = "SELECT id FROM explanation WHERE state = 'planned' ORDER BY id OFFSET :places LIMIT 1"
IS_DONE = "SELECT state = 'done' FROM explanation WHERE id = :mark"

SPAN = """
WITH done AS (SELECT finished_at, row_number() OVER (ORDER BY finished_at) AS place
              FROM explanation WHERE finished_at > :began)
SELECT extract(epoch FROM max(finished_at) - min(finished_at)) FROM done WHERE place IN (:first, :last)
"""


@dataclass
class Course:
    """An audit that is let go for a while and stopped again, and the memory it was seen to take."""

    here: Stand
    audit: int
    driven: int
    redis: list[int] = field(default_factory=list)
    producer: list[int] = field(default_factory=list)

    def seconds(self) -> float:
        """The wall time between the end of one photograph and that of the `driven`th after it."""
        ahead = self.driven // 5
        began, mark = self._value("SELECT now()"), self._value(MARK, places=self.driven + 2 * ahead)
        self.here.audits.resume(self.audit)
        for task in ("sweep", "produce"):
            self.here.ask(task)
        peak = 0
        while not self._value(IS_DONE, mark=mark):
            peak = max(peak, self.here.redis_bytes())
            time.sleep(0.1)
        self.redis.append(peak)
        self.producer.append(self.here.producer_bytes())
        self.here.audits.cancel(self.audit)
        return float(self._value(SPAN, began=began, first=ahead, last=ahead + self.driven))

    def _value(self, statement: str, **values: object) -> Any:
        with self.here.engine.begin() as c:
            return c.execute(text(statement), values).scalar_one()


def measure(quick: bool) -> Row:
    """The largest of the three growths."""
    sizes, driven, workers, pairs = ((300, 600), 10, 1, 1) if quick else ((SMALL, LARGE), DRIVEN, WORKERS, PAIRS)
    with ExitStack() as stack:
        stands = [stack.enter_context(stand(part_evaluations=1)) for _ in sizes]
        small, large = (_course(here, size, driven, workers) for here, size in zip(stands, sizes, strict=True))
        for warm in (small, large):
            warm.seconds()
        timed = alternate(large.seconds, small.seconds, pairs)
    return _row(sizes, small, large, timed)


def _course(here: Stand, photographs: int, driven: int, workers: int) -> Course:
    """An audit of so many photographs, half of them done, and workers that wait for it."""
    version = here.model(average())
    with here.engine.begin() as c:
        c.execute(text(IMAGES), {"n": photographs})
    number = here.audits.start(version, recipe("default"))
    here.audits.cancel(number)
    with here.engine.begin() as c:
        c.execute(text(HALF), {"parts": PARTS})
    with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("VACUUM ANALYZE"))
    here.workers(workers, APP)
    return Course(here, number, driven)


def _row(sizes: tuple[int, int], small: Course, large: Course, timed: Pairs) -> Row:
    costs = [1000 * seconds / small.driven for seconds in timed.medians]
    redis = [median(course.redis) / 2**20 for course in (large, small)]
    producer = [median(course.producer) / 2**20 for course in (large, small)]
    growth = {
        "cost": timed.ratio - 1,
        "redis_memory": redis[0] / redis[1] - 1,
        "producer_memory": producer[0] / producer[1] - 1,
    }
    figures = {"photographs": sizes, "driven": small.driven, "parts": PARTS, "growth": growth} | timed.to_json()
    return ROW.measured(
        max(growth.values()),
        figures | {"ms_a_photograph": costs, "redis_mb": redis, "producer_mb": producer},
        f"With {sizes[1]:,} photographs in the audit, half of them explained before, {small.driven:,} driven through "
        f"by {WORKERS} inference workers and one for the rest cost {costs[0]:.0f} ms each, Redis took {redis[0]:.1f} "
        f"MB and the worker that produces {producer[0]:.0f} MB; with {sizes[0]:,} it was {costs[1]:.0f} ms, "
        f"{redis[1]:.1f} MB and {producer[1]:.0f} MB.",
    )
