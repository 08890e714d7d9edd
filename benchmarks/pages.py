"""Pages: how long they let readers wait over an archive of many photographs, while an audit of all of them runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
from sqlalchemy import text

from benchmarks.live_stack import ROOT, Stand, stand
from benchmarks.many import add_fresh, multiply
from benchmarks.readers import Chance, Kinds, Site, go_through
from benchmarks.row import NotHere, Row
from benchmarks.subjects import demo_model, photographs
from pipeline.recipes import recipe
from polelens.stack.address import HOST, free_port, password
from polelens.stack.processes import Launch
from polelens.stack.workers import ONE_THREAD, PAGES, await_listening, pages_command, pages_installed

MANY, READERS, WORKERS, SECONDS = 200_000, 8, 2, 120.0
FEW, FRESH = 4, 600  # photographs that the rows are made of; and those that the audit meanwhile has to explain
MEDIAN, P99 = 300.0, 1000.0  # milliseconds, as agreed
COUNTED_SECONDS = 180.0  # for which what large audits come to may be counted, before anybody is timed
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"basis": "background"},
    {"soundness": "doubtful", "order": "unsure"},
    {"predicted": "STAAL", "known": "BETONG"},
    {"name": "line 7/", "order": "name"},
    {"least": "0.9", "right": "no"},
    {"leans": "50%", "basis": "object", "order": "unsure"},
    {"mark": "any"},
)

# What people have said of one photograph in five hundred.
MARKS = """
INSERT INTO mark (explanation_id, who, word, tags)
SELECT explanation_id, 'reader', CASE mod(explanation_id, 3) WHEN 0 THEN 'wrong' ELSE 'agree' END, ARRAY['glare']
FROM audit_explanation WHERE audit_id = 1 AND mod(explanation_id, 500) = 1
"""

ROW = Row(
    "pages",
    f"first byte of the slowest kind of page over {MANY:,} explained photographs, {READERS} readers and an audit: "
    "its share of 300 ms at the median or of 1 s at the 99th percentile, whichever is more",
    "as agreed, in constant memory",
    1,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The share of what was agreed that the slowest kind of page takes."""
    if not pages_installed():
        raise NotHere("the pages need pip install 'polelens[web]'")
    many, new, seconds = (2_000, 12, 5.0) if quick else (MANY, FRESH, SECONDS)
    asked = recipe("default").override({"samples": 16, "seeds": [1, 11]} if quick else {})
    with stand(sweep_seconds=2) as here:
        version = here.model(demo_model())
        here.photographs(photographs(FEW))
        here.workers(WORKERS)
        here.audit(version, asked)
        files = multiply(here, 1, many)
        with here.engine.begin() as c:
            c.execute(text(MARKS))
        add_fresh(here, new)
        running = here.audits.start(version, asked)
        here.ask("produce")
        figures = _measured(here, kinds((1, running), files), running, seconds)
    if figures["audit"] != "running" and not quick:
        raise RuntimeError(f"the audit was {figures['audit']} before the readers were: give it more photographs")
    return _row(figures)


def kinds(audits: tuple[int, int], files: Sequence[str]) -> Kinds:
    """Every kind of page: of an audit that has ended, of one that runs, and of photographs with these digests."""
    ended, running = audits

    def audit(chance: Chance) -> str:
        return f"/audits/{chance.choice(audits)}"

    def grid(chance: Chance) -> str:
        return f"{audit(chance)}/photographs?{urlencode(FILTERS[chance.integers(len(FILTERS))])}"

    def deep(chance: Chance) -> str:
        place = f"{-3 * chance.random():.6f}~{chance.integers(MANY)}"
        return f"{audit(chance)}/photographs?{urlencode({'after': place})}"

    def photograph(chance: Chance) -> str:
        return f"{audit(chance)}/photographs/{chance.choice(files)}"

    return {
        "the list of audits": lambda _: "/",
        "the list as JSON": lambda _: "/audits.json",
        "an audit": lambda _: f"/audits/{ended}",
        "an audit that runs": lambda _: f"/audits/{running}",
        "an audit as JSON": lambda chance: f"{audit(chance)}.json",
        "its progress": lambda _: f"/audits/{running}/progress",
        "the grid": grid,
        "deep in the grid": deep,
        "the grid as JSON": lambda chance: grid(chance).replace("photographs?", "photographs.json?"),
        "the grid as CSV": lambda chance: grid(chance).replace("photographs?", "photographs.csv?"),
        "marks as CSV": lambda chance: f"{audit(chance)}/marks.csv",
        "a photograph": photograph,
        "a photograph as JSON": lambda chance: f"{photograph(chance)}.json",
        "a picture": lambda chance: f"{photograph(chance)}/evidence.webp?size={chance.choice((320, 800))}",
    }


def _measured(here: Stand, asked: Kinds, running: int, seconds: float) -> dict[str, Any]:
    """Milliseconds by kind of page, the memory of the web process, and how far the audit was."""
    site = _served(here)
    _count(site, running)
    began = here.audits.progress(running).done
    go_through(site, asked, READERS, seconds / 10)  # not timed: what a process loads of itself, it loads once
    before = _megabytes(here)
    waits = go_through(site, asked, READERS, seconds)
    after, progress = _megabytes(here), here.audits.progress(running)
    if progress.state == "running":
        here.audits.cancel(running)
    whole = site.read("/audits/1/photographs.csv").count(b"\n")
    return {
        "milliseconds": {kind: asdict(one) for kind, one in waits.items()},
        "megabytes": {"before": before, "after": after, "after the grid as CSV, whole": _megabytes(here)},
        "rows of that CSV": whole,
        "explained meanwhile": progress.done - began,
        "audit": progress.state,
    }


def _served(here: Stand) -> Site:
    site = Site(f"http://{HOST}:{free_port()}", password())
    environment = {**ONE_THREAD, **here.environment, "PYTHONPATH": str(ROOT), "POLELENS_WEB_LOGIN": f"x:{site.secret}"}
    here.processes.start(Launch(PAGES, pages_command(site.url), environment))
    await_listening(here.processes, PAGES, site.url)
    return site


def _count(site: Site, running: int) -> None:
    """Return once both audits say what they come to: a twin waits for that, and is refused where it takes long."""
    deadline = time.monotonic() + COUNTED_SECONDS
    while any(b"being counted" in site.read(f"/audits/{audit}") for audit in (1, running)):
        if time.monotonic() > deadline:
            raise RuntimeError(f"what the audits come to is not counted in {COUNTED_SECONDS:.0f} seconds")
        time.sleep(1)


def _megabytes(here: Stand) -> float:
    """The resident memory of the web process."""
    pid = here.processes.pid(PAGES)
    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)


def _row(figures: dict[str, Any]) -> Row:
    waits: Mapping[str, Mapping[str, float]] = figures["milliseconds"]
    shares = {kind: max(one["median"] / MEDIAN, one["p99"] / P99) for kind, one in waits.items()}
    slowest = max(shares, key=lambda kind: shares[kind])
    memory = figures["megabytes"]
    return ROW.measured(
        shares[slowest],
        figures,
        f"The slowest is {slowest}: {waits[slowest]['median']:.0f} ms at the median and {waits[slowest]['p99']:.0f} ms "
        f"at the 99th percentile; the median of all kinds is {_middle(waits):.0f} ms. A reader looks at each page for "
        "half a second. "
        f"Meanwhile {WORKERS} workers explained {figures['explained meanwhile']} photographs. The web process had "
        f"{memory['before']:.0f} MB before and {memory['after']:.0f} MB after, and "
        f"{memory['after the grid as CSV, whole']:.0f} MB when it had sent all of the grid as CSV.",
    )


def _middle(waits: Mapping[str, Mapping[str, float]]) -> float:
    return float(np.median([one["median"] for one in waits.values()]))
