"""The pages and Flower below a path, behind a real reverse proxy."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect, sync_playwright

from polelens.stack.address import HOST, free_port
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import FLOWER, await_flower, flower_command
from polelens.web.below import checked
from tests.flower import BROWSERS, Flower
from tests.pages import SECRET, Pages, served
from tests.played_ledger import Desk, attribution
from tests.proxy import proxied

ROOT = "/look/polelens"
ADDRESS = re.compile(r'\s(?:href|src|action|hx-[a-z-]+|data-(?:base|events))="([^"#{?][^"]*)"')
POSTED = re.compile(r'\shx-post="(/[^"]*)"')
PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)
PICTURE = re.compile(r"\.webp\b")  # this ledger's photographs have no files


@pytest.fixture
def audit(desk: Desk) -> int:
    """Two photographs explained, and one that is not yet."""
    number = desk.audit("a/one.jpg", 'two "/audits/9".jpg', "c.jpg")
    for step in desk.ledger.produce(2):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    return number


@pytest.fixture(params=[False, True], ids=["path left", "path taken off"])
def pages(request: pytest.FixtureRequest, desk: Desk, database_url: str, audit: int, tmp_path: Path) -> Iterator[Pages]:
    """The pages of that audit, as a browser before the proxy sees them."""
    with (
        served(database_url, tmp_path / "blobs", root=ROOT) as behind,
        proxied(tmp_path, {ROOT: behind.url}, strips=request.param) as url,
    ):
        yield Pages(url + ROOT)


def _addresses(html: str) -> set[str]:
    return {one.replace("&amp;", "&") for one in ADDRESS.findall(html) if one.startswith("/")}


def test_every_address_of_every_page_is_below_the_path(pages: Pages, audit: int) -> None:
    """Each leads to something, followed until there is no new one: links, forms, scripts, what htmx asks for."""
    host, seen, waiting = pages.url.removesuffix(ROOT), set[str](), {f"{ROOT}/", f"{ROOT}/nowhere"}
    posted = set[str]()  # what is only sent to is there, and cannot be looked at
    while waiting:
        path = waiting.pop()
        seen.add(path)
        assert path.startswith(f"{ROOT}/"), path
        assert not path.startswith(ROOT * 2), path
        if path.endswith(("/mark", "/progress")) or PICTURE.search(path):
            continue
        answer = Pages(host).get(path)
        right = {404} if path.endswith("/nowhere") else {200, 405} if path in posted else {200}
        assert answer.status in right, path
        if answer.headers["content-type"].startswith("text/html"):
            posted |= set(POSTED.findall(answer.text))
            waiting |= _addresses(answer.text) - seen
    ends = {one.partition("?")[0].removeprefix(ROOT) for one in seen}
    assert {"/", "/static/htmx.min.js", "/static/report.css", f"/audits/{audit}/photographs"} <= ends
    assert any(one.endswith("/mark") for one in ends)
    assert any(one.endswith("/evidence.webp") for one in ends)


def test_a_mark_and_what_an_audit_tells_pass_the_proxy(pages: Pages, desk: Desk, audit: int) -> None:
    """The form is taken from this origin and gives back a form below the path; events come as they are told."""
    [image, _] = [one["image"] for one in pages.json(f"/audits/{audit}/photographs.json")["photographs"]]
    kept = pages.post(f"/audits/{audit}/photographs/{image}/mark", "word=wrong")
    assert kept.status == 200
    assert f'hx-post="{ROOT}/audits/{audit}/photographs/{image}/mark"' in kept.text
    assert pages.post(f"/audits/{audit}/photographs/{image}/mark", "word=agree", origin="http://else").status == 403
    desk.audits.cancel(audit)
    assert "event: end" in pages.get(f"/audits/{audit}/progress").text


@pytest.mark.parametrize("pages", [False], ids=["path left"], indirect=True)
@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on the PATH; Debian's: apt-get install chromium")
def test_a_browser_goes_its_way_below_the_path(pages: Pages, audit: int) -> None:
    """From the list to a photograph found by a filter, and a mark by a key: what htmx and our script ask for, too."""
    unsafe = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=unsafe)
        page = browser.new_page(http_credentials={"username": "anna", "password": SECRET})
        page.goto(pages.url)
        page.get_by_role("link", name=str(audit), exact=True).click()
        page.get_by_role("link", name="All photographs").click()
        expect(page.locator(".grid li")).to_have_count(2, timeout=30_000)
        page.get_by_role("searchbox", name="Name").fill("one")
        page.keyboard.press("Enter")
        expect(page.locator(".grid li")).to_have_count(1, timeout=30_000)
        assert page.url == f"{pages.url}/audits/{audit}/photographs?name=one"
        page.locator(".grid a").first.click()
        page.wait_for_load_state()
        page.keyboard.press("w")
        expect(page.get_by_text("✗ says wrong")).to_be_visible(timeout=30_000)
        browser.close()
    assert [(one["word"], one["who"]) for one in pages.json(f"/audits/{audit}/marks.json")] == [("wrong", "anna")]


def test_the_path_alone_leads_to_its_first_page(pages: Pages) -> None:
    """With its slash at the end, or with one put there."""
    assert pages.get("").status == pages.get("/").status == 200


def test_probes_ask_without_a_password(pages: Pages) -> None:
    """Whether it is live, and whether Postgres answers it; and they learn nothing else."""
    for what in ("live", "ready"):
        answer = Pages(pages.url, "").get(f"/v2/health/{what}", authorization="")
        assert (answer.status, answer.text) == (200, f'{{"{what}":true}}')
    assert pages.get("/v2/health/other", authorization="").status == 401


def test_flower_is_below_a_path_too(broker_url: str, tmp_path: Path) -> None:
    """Its page, its script and its probe, by the prefix that the chart gives it."""
    behind, login = f"http://{HOST}:{free_port()}", "watch:flower-secret"
    processes = Processes(tmp_path / "flower")
    environment = {
        "CELERY_BROKER_URL": broker_url,
        "DATABASE_URL": "postgresql://nowhere/x",
        "FLOWER_BASIC_AUTH": login,
    }
    processes.start(Launch(FLOWER, [*flower_command(behind), "--url_prefix=look/flower"], environment))
    try:
        await_flower(processes, behind)
        with proxied(tmp_path, {"/look/flower": behind}) as url:
            flower = Flower(url, login)
            page = flower.get("/look/flower/workers")
            addresses = {one for one in re.findall(r'(?:href|src)="(/[^"]*)"', page) if not one.startswith("//")}
            assert addresses
            assert all(one.startswith("/look/flower/") for one in addresses), addresses
            assert all(flower.get(one) is not None for one in addresses if one.endswith((".js", ".css")))
            assert urlopen(f"{url}/look/flower/healthcheck", timeout=10).read() == b"OK"  # noqa: S310  our own
            with pytest.raises(HTTPError, match="401"):
                urlopen(Request(f"{url}/look/flower/workers"), timeout=10)  # noqa: S310
    finally:
        processes.stop([FLOWER])


@pytest.mark.parametrize("root", ["polelens", "/a b", "//host", "/a/../b", '/"x', "/a?b"])
def test_what_is_no_path_is_refused(root: str) -> None:
    """In a sentence that has it."""
    with pytest.raises(ValueError, match="is none to put pages below"):
        checked(root)
    assert checked("/polelens/") == "/polelens"
    assert checked("") == checked("/") == ""
