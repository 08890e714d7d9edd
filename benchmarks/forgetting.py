"""Forgetting: the memory of `polelens gc` over a million rows and blobs, and how long it takes to find what is lost."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.live_stack import ROOT, Stand, stand
from benchmarks.planted import sure
from benchmarks.row import Row
from storage.keys import scene_key

MANY, FEW = 1_000_000, 10_000
LOST = 100  # one scene in so many is nobody's

ROWS = """
INSERT INTO explanation (key, image_id, model_id, recipe_digest, state, scene)
SELECT d, (SELECT min(id) FROM image), :model, 'recipe', 'done', d
FROM (SELECT n, encode(sha256(convert_to(n::text, 'UTF8')), 'hex') AS d
      FROM generate_series(CAST(:begin AS int), CAST(:end AS int)) n) made
WHERE mod(n, CAST(:lost AS int)) <> 0
"""
IMAGE = "INSERT INTO image (sha256, name, width, height, bytes) VALUES ('ab', 'a.jpg', 1, 1, 1)"
RECIPE = "INSERT INTO recipe (digest, name, body) VALUES ('recipe', 'recipe', '{}')"
AUDIT = "INSERT INTO audit (model_id, recipe_digest, selection, state) VALUES (:model, 'recipe', 'all', 'done')"
WANTED = "INSERT INTO audit_explanation SELECT 1, id FROM explanation ON CONFLICT DO NOTHING"

GC = """
import json, resource, time
from storage.blobs import open_blobs
from storage.database import connect
from storage.forget.garbage import Garbage
from storage.forget.trail import act
from storage.settings import settings
here, began = settings(), time.monotonic()
one = Garbage(connect(here.database_url), open_blobs(here.blobs), act("gc"), 0)
losses = one.rows()
losses.update(one.sweep()[0])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"removed": losses.number.total(), "megabytes": peak, "seconds": time.monotonic() - began}))
"""

ROW = Row(
    "forgetting",
    f"memory of `polelens gc` over {MANY:,} explanations and scenes, in MB beyond that over {FEW:,}",
    "as agreed: none that grows with the archive",
    32,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """Megabytes that a hundred times as much takes."""
    few, many = (FEW // 10, FEW // 2) if quick else (FEW, MANY)
    with stand() as here:
        _begin(here)
        _remember(here, 1, few)
        small = _gc(here)
        _remember(here, few + 1, many)
        large = _gc(here)
        again = _gc(here)
    assert (small["removed"], again["removed"]) == (few // LOST, 0)
    assert large["removed"] == many // LOST - few // LOST
    return ROW.measured(
        large["megabytes"] - small["megabytes"],
        {f"{few} explanations": small, f"{many} explanations": large, "nothing lost": again},
        f"Over {many:,} explanations it took {large['megabytes']:.0f} MB and {large['seconds']:.0f} s to remove "
        f"{large['removed']:,} scenes of nobody, and {again['seconds']:.0f} s to find that there is none; "
        f"over {few:,} explanations {small['megabytes']:.0f} MB.",
    )


def _begin(here: Stand) -> None:
    version = here.model(sure(3))
    with here.engine.begin() as c:
        for statement in (IMAGE, RECIPE, AUDIT):
            c.execute(text(statement), {"model": version.id})


def _remember(here: Stand, begin: int, end: int) -> None:
    """Explanations that an audit wants, each with a scene, and scenes that are nobody's between them."""
    with here.engine.begin() as c:
        model = c.scalar(text("SELECT max(id) FROM model"))
        c.execute(text(ROWS), {"model": model, "begin": begin, "end": end, "lost": LOST})
        c.execute(text(WANTED))
    blobs = Path(here.environment["POLELENS_BLOBS"])
    for number in range(begin, end + 1):
        path = blobs / scene_key(hashlib.sha256(str(number).encode()).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def _gc(here: Stand) -> dict[str, Any]:
    """What it removed, at which peak of memory and in which time, in a process of its own."""
    environment = dict(os.environ) | dict(here.environment) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", GC], env=environment, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told
