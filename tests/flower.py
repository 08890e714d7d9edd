"""Flower beside a bench, and a browser to look at it with."""

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, sync_playwright

from polelens.stack.address import HOST, free_port, password
from polelens.stack.processes import Launch
from polelens.stack.workers import await_flower, flower_command
from tests.live_audits import Bench

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Flower:
    """A Flower process, and the login it asks for."""

    url: str
    login: str

    def get(self, path: str, login: str | None = None, method: str = "GET") -> str:
        """A page. Raises HTTPError."""
        given = base64.b64encode((login or self.login).encode()).decode()
        headers = {} if login == "" else {"Authorization": f"Basic {given}"}
        with urlopen(Request(self.url + path, headers=headers, method=method), timeout=30) as page:  # noqa: S310  our own server
            return str(page.read().decode())

    def await_tasks(self, enough: Callable[[dict], bool], seconds: float = 30.0) -> dict:
        """The tasks by their id, once there are enough: events reach Flower a little after the work is done."""
        deadline = time.monotonic() + seconds
        while not enough(tasks := json.loads(self.get("/api/tasks?limit=10000"))):
            assert time.monotonic() < deadline, f"only {len(tasks)} tasks in {seconds} s"
            time.sleep(0.2)
        return dict(tasks)


@pytest.fixture
def flower(bench: Bench) -> Iterator[Flower]:
    """Flower on the bench's queue, as `polelens up` starts it."""
    found = Flower(f"http://{HOST}:{free_port()}", f"watch:{password()}")
    environment = bench.environment | {"FLOWER_BASIC_AUTH": found.login}
    bench.processes.start(Launch("flower", flower_command(found.url), environment))
    await_flower(bench.processes, found.url)
    yield found
    bench.processes.stop(["flower"])


@pytest.fixture
def page(flower: Flower) -> Iterator[Page]:
    """A page of a headless browser that knows Flower's login, for links that begin with a slash."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("there is no Chromium on the PATH; Debian's: apt-get install chromium")
    name, _, secret = flower.login.partition(":")
    unsafe = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=unsafe)
        context = browser.new_context(
            base_url=flower.url,
            http_credentials={"username": name, "password": secret},
            viewport={"width": 1500, "height": 760},
        )
        yield context.new_page()
        browser.close()
