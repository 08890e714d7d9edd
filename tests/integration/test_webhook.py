"""The webhook: whoever waits for an audit's end hears of it, at least once, signed, and nobody else does."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from polelens.stack.address import free_port
from storage.notices import Notices
from storage.settings import settings
from tasks import runtime
from tasks.notify import notify
from tests import models
from tests.live_audits import Bench, pictures
from tests.played_ledger import Desk, at_once

SECRET = "a secret of the tests"  # noqa: S105
FORMATS = Path(__file__).resolve().parents[2] / "docs/formats.md"


@dataclass
class Receiver:
    """A real HTTP server that keeps what it is sent, and answers with these statuses and then with 204."""

    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies."""
        return [json.loads(body) for _, body in self.heard]


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.heard.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("Location", receiver.url + "elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    with receiving(Receiver()) as one:
        yield one


@pytest.fixture
def told(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[pytest.MonkeyPatch]:
    """This process as a worker on the desk's database, set up with the receiver's address."""
    here = {
        "DATABASE_URL": desk.engine.url.render_as_string(hide_password=False),
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "POLELENS_BLOBS": str(tmp_path / "blobs"),
        "POLELENS_WEBHOOK_URL": receiver.url,
        "POLELENS_WEBHOOK_SECRET": SECRET,
    }
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    runtime.ledger.cache_clear()
    yield monkeypatch
    runtime.ledger().engine.dispose()
    settings.cache_clear()
    runtime.ledger.cache_clear()


def test_a_receiver_that_was_down_hears_of_the_end(bench: Bench) -> None:
    """Through a worker and its sweeps: the first attempt is refused, the second is heard, and there is no third."""
    model = bench.model(models.constant(size=32), "a", "b", "c")
    bench.photographs("ends", pictures(1))
    with receiving(Receiver([500])) as receiver:
        bench.environment |= {"POLELENS_WEBHOOK_URL": receiver.url, "POLELENS_WEBHOOK_SECRET": SECRET}
        [worker] = bench.workers(1)
        number = bench.audit(model, "ends/*", samples=8, seeds=[1])
        bench.wait(number)
        deadline = time.monotonic() + 60
        while not _value(bench, "SELECT count(heard_at) FROM notice"):
            assert time.monotonic() < deadline, worker.log()
            _value(bench, "UPDATE notice SET due_at = now() RETURNING 1")
            bench.ask("sweep")
            time.sleep(0.2)
        assert len(receiver.heard) == 2
    first, second = receiver.messages
    assert first == second
    assert {name: first[name] for name in ("event", "audit", "state", "model", "recipe", "images")} == {
        "event": "audit.ended",
        "audit": number,
        "state": "done",
        "model": "planted@1",
        "recipe": "default",
        "images": "ends/*",
    }
    assert (first["photographs"], first["done"], first["failed"]) == (1, 1, 0)
    assert first["evaluations"] == bench.audits.progress(number).evaluations
    answers = {name: first[name] for name in ("soundness", "basis", "verdicts")}
    assert answers == {"soundness": {"nothing to explain": 1.0}, "basis": {"unknown": 1.0}, "verdicts": {}}
    assert all(_genuine(SECRET, headers, body) for headers, body in receiver.heard)
    assert f"the end of audit {number} was not heard: HTTP status 500" in worker.log()
    assert SECRET not in worker.log()
    assert receiver.url not in worker.log()


def _value(bench: Bench, statement: str) -> object:
    with bench.audits.engine.begin() as c:
        return c.exec_driver_sql(statement).scalar()


def _genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What the documented snippet says."""
    [snippet] = [one for one in re.findall(r"```python\n(.*?)```", FORMATS.read_text(), re.DOTALL) if "genuine" in one]
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102
    return bool(names["genuine"](secret, headers, body))


def test_the_documented_snippet_refuses_what_is_not_genuine(desk: Desk, told: object, receiver: Receiver) -> None:
    """Another secret, another body, another time, an old message."""
    _ended(desk, "a")
    notify()
    [(headers, body)] = receiver.heard
    assert _genuine(SECRET, headers, body)
    old = str(int(headers["Polelens-Timestamp"]) - 301)
    assert not _genuine("another secret", headers, body)
    assert not _genuine(SECRET, headers, body + b" ")
    assert not _genuine(SECRET, headers | {"Polelens-Timestamp": str(int(headers["Polelens-Timestamp"]) - 1)}, body)
    assert not _genuine(SECRET, headers | {"Polelens-Timestamp": old}, body)


@pytest.mark.parametrize("status", [301, 307, 404, 503])
def test_what_is_not_heard_waits_and_is_told_again(desk: Desk, told: object, receiver: Receiver, status: int) -> None:
    """No redirect is followed; and not at once, but when its wait is over."""
    _ended(desk, "a")
    receiver.statuses = [status]
    notify()
    notify()
    assert len(receiver.heard) == 1
    desk.value("UPDATE notice SET due_at = now() RETURNING 1")
    notify()
    notify()
    assert len(receiver.heard) == 2
    assert not runtime.notices().due()


def test_nobody_listens(desk: Desk, told: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The other notices are told all the same, each is due again, and the log does not say the address."""
    told.setenv("POLELENS_WEBHOOK_URL", f"http://127.0.0.1:{free_port()}/token")
    settings.cache_clear()
    _ended(desk, "a")
    _ended(desk, "b")
    notify()
    assert len(caplog.records) == 2
    assert "/token" not in caplog.text
    assert desk.value("SELECT count(*) FROM notice WHERE heard_at IS NULL AND due_at > now()") == 2


def test_no_webhook_no_message(desk: Desk, told: pytest.MonkeyPatch, receiver: Receiver) -> None:
    """What nobody wants to know is not told; after three days it is too late."""
    told.delenv("POLELENS_WEBHOOK_URL")
    settings.cache_clear()
    _ended(desk, "a")
    notify()
    assert receiver.heard == []
    assert runtime.notices().due()
    desk.value("UPDATE notice SET ended_at = now() - interval '73 hours' RETURNING 1")
    assert not runtime.notices().due()
    assert runtime.notices().take() is None


def test_two_at_once_tell_different_ends(desk: Desk) -> None:
    """A notice that one has taken is nobody else's until its wait is over; waits double, up to an hour."""
    for name in "abc":
        _ended(desk, name)
    notices = Notices(desk.engine)
    taken = at_once(*4 * [notices.take])
    assert sorted(one.audit for one in taken if one) == [1, 2, 3]
    waits = []
    for attempts in (0, 1, 2, 20):
        desk.value("UPDATE notice SET due_at = now(), attempts = :n WHERE id = 1 RETURNING 1", n=attempts)
        replace(notices, wait_seconds=30).take()
        waits.append(desk.value("SELECT round(extract(epoch FROM due_at - now())) FROM notice WHERE id = 1"))
    assert waits == [30, 60, 120, 3600]


def test_every_end_is_told_of(desk: Desk) -> None:
    """A cancelled audit that is resumed ends again; one that settles many times ends once."""
    number = _planned(desk, "a")
    desk.audits.cancel(number)
    desk.audits.resume(number)
    [step] = desk.ledger.produce(64)
    desk.finish(step)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(desk.ledger.settle)
    notices = Notices(desk.engine)
    first, second, none = notices.take(), notices.take(), notices.take()
    assert none is None
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == ("cancelled", "done")
    assert [notices.told(one)["delivery"] for one in (first, second)] == [first.id, second.id]


def _planned(desk: Desk, name: str) -> int:
    desk.photographs(name)
    return desk.audit(images=name)


def _ended(desk: Desk, name: str) -> None:
    number = _planned(desk, name)
    desk.audits.cancel(number)
