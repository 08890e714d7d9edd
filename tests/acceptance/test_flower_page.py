"""Flower as a person sees it: its pages in a real browser while an audit runs."""

import os
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from tests import models
from tests.flower import Flower
from tests.live_audits import Bench, pictures

expect.set_options(timeout=30_000)  # milliseconds


def test_a_person_follows_an_audit_in_flower(bench: Bench, flower: Flower, page: Page, tmp_path: Path) -> None:
    """Tasks are listed by name, audit, photograph and part, workers by readable names; one can look for a photograph.

    POLELENS_FLOWER_PICTURE=docs/pictures/flower.png makes the picture of the documents.
    """
    bench.workers(2)
    version = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    bench.photographs("north", pictures(4))
    bench.photographs("<i>south</i>", pictures(1, seed=9))  # a name is text, whatever it looks like
    number = bench.audit(version, "*", samples=128, judge=False)
    flower.await_tasks(lambda found: any(one["name"] == "infer" for one in found.values()))
    page.goto("/tasks")
    rows = page.locator("#tasks-table tbody tr")
    asked = page.get_by_role("searchbox")
    expect(rows.filter(has_text=f"audit={number} part=").filter(has_text="infer").first).to_be_visible()

    bench.wait(number)
    flower.await_tasks(lambda found: sum(one["name"] == "reduce" for one in found.values()) >= 5)
    asked.fill("args:north/002.png")
    for step, part in (("prepare", ""), ("infer", " part=3/4"), ("reduce", "")):
        row = rows.filter(has_text=f"audit={number}{part} photograph=north/002.png").filter(has_text=step)
        expect(row.first).to_contain_text("SUCCESS")
    asked.fill("args:south")
    expect(rows.first).to_contain_text("photograph=<i>south</i>/000.png")
    expect(rows.locator("i")).to_have_count(0)
    asked.fill("args:north")
    expect(rows.filter(has_text="south")).to_have_count(0)
    page.screenshot(path=os.environ.get("POLELENS_FLOWER_PICTURE", tmp_path / "flower.png"))

    page.goto("/workers")
    for name in ("all-0@", "all-1@"):
        worker = page.locator("tr", has_text=name)
        expect(worker).to_be_visible()
        expect(worker).to_contain_text("Online")
    page.get_by_role("link", name="all-0@").first.click()
    expect(page.get_by_text("infer-now").first).to_be_attached()
    assert page.request.get("/metrics").text().count("flower_events_total") > 1
    page.screenshot(path=tmp_path / "worker.png")
