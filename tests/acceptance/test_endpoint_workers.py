"""The endpoint over plain HTTP and real workers: what a program gets is what the core alone finds."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.model.blackbox import BlackBox
from pipeline.recipes import recipe
from pipeline.staging import stage
from polelens.stack.address import HOST, free_port
from storage.registry import Version
from storage.tokens import Tokens
from tests import models
from tests.endpoint import PROBLEM, Answer, Program, image
from tests.live_audits import Bench, pictures, png

SECONDS = 60
QUICK = {"samples": 16, "seeds": [1, 2], "segmenter.n_segments": 12}
WEIGHTS = np.zeros((32, 32))
WEIGHTS[:, :16] = 0.8 / 512 / 255 / 3  # the model looks at the left half


@dataclass(frozen=True)
class Server:
    """`polelens serve`, in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def server(shared_bench: Bench) -> Iterator[Server]:
    """A server over the shared bench."""
    url = f"http://{HOST}:{free_port()}"
    command = [sys.executable, "-m", "polelens", "serve", "--port", url.rpartition(":")[2]]
    process = subprocess.Popen(command, env=os.environ | shared_bench.environment, stdout=subprocess.DEVNULL)
    made = Server(url, process)
    _await(made)
    yield made
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.fixture(scope="module")
def program(shared_bench: Bench, server: Server) -> Program:
    """A program whose token lets it ask."""
    token = Tokens(shared_bench.audits.engine).add("contract", "operator", 1)
    return Program(server.url, f"Bearer {token}")


@pytest.fixture(scope="module")
def model(shared_bench: Bench) -> Version:
    """A model of which it is known where it looks."""
    return shared_bench.model(models.additive(WEIGHTS, bias=0.2), "yes", "no", name="asked")


def test_an_explanation_is_the_cores_and_is_known_from_then_on(
    shared_bench: Bench, server: Server, program: Program, model: Version
) -> None:
    """Weights, superpixels and prediction; asked again nothing is evaluated; and this process never opens a model."""
    [pixels] = pictures(1, seed=71)
    made = recipe("default").override(QUICK)
    ask = {"instances": [image(png(pixels))], "parameters": {"recipe": "default", "set": QUICK}}
    answer = program.post("/v1/models/asked:explain", ask, prefer=f"wait={SECONDS}")
    assert answer.status == 200, answer.body
    [explanation] = answer.json["explanations"]
    [attribution] = explanation["attributions"]
    evidence = attribution["featureAttributions"]["image"]
    key = explanation["provenance"]["explanation"]
    row = shared_bench.audits.keyed([key])[key]
    alone = shared_bench.explained_alone(model, row, made)
    np.testing.assert_allclose(evidence["weights"], alone.labels[0].weights, atol=1e-6)
    assert explanation["provenance"]["evaluations"] == alone.evaluations
    segments = np.asarray(Image.open(io.BytesIO(program.get(evidence["segments"]).body)))
    left = np.unique(segments[:, :16])
    assert np.sum(np.take(evidence["weights"], left)) == pytest.approx(np.sum(evidence["weights"]), abs=0.05)
    assert program.get(evidence["overlay"]).headers["content-type"] == "image/webp"

    before = _count(shared_bench)
    again = program.post("/v1/models/asked/versions/1:explain", ask)
    assert (again.status, again.json) == (200, answer.json)
    known = program.post("/v1/models/asked:predict", {"instances": [{"photograph": row.image}]})
    assert (known.status, known.json["predictions"]) == (200, answer.json["predictions"])
    assert _count(shared_bench) == before
    maps = Path(f"/proc/{server.process.pid}/maps")
    assert not maps.exists() or "onnxruntime" not in maps.read_text()


def test_what_the_model_says_is_asked_of_a_worker(shared_bench: Bench, program: Program, model: Version) -> None:
    """A job of two evaluations, whose answer is the model's own; of an image that the archive does not have yet."""
    [pixels] = pictures(1, seed=72)
    began = program.post("/v1/models/asked:predict", {"instances": [image(png(pixels))]})
    assert began.status == 202
    told = program.get(began.headers["location"], prefer=f"wait={SECONDS}").json
    assert (told["state"], told["answered"]) == ("done", 1)
    [prediction] = told["answer"]["predictions"]
    assert prediction["confidences"] == pytest.approx(_scores(shared_bench, model, pixels, prediction), abs=1e-6)
    assert shared_bench.audits.progress(told["audit"]).evaluations == 2


def test_a_hundred_at_once_lose_nothing_and_stop_nobody(shared_bench: Bench, program: Program, model: Version) -> None:
    """Half of them malformed, in ten ways: each is refused by its own reason, and each of the others is answered."""
    shown = pictures(25, seed=73)
    files = [png(one) for one in shown]
    good = [{"instances": [image(files[n % 25]), {"photograph": "no digest"}]} for n in range(50)]
    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(_until_taken, program, body) for body in good]
        wrong = [pool.submit(_sent, program, way) for way in BAD for _ in range(5)]
        refused, answers = [one.result() for one in wrong], [one.result() for one in asked]
    assert [(one.status, one.headers["content-type"]) for one in answers] == [(200, "application/json")] * 50
    assert all(400 <= one.status < 500 and one.headers["content-type"] == PROBLEM for one in refused), refused
    for number, answer in enumerate(answers):
        first, second = answer.json["predictions"]
        assert second["error"]["status"] == 400
        expected = _scores(shared_bench, model, shown[number % 25], first)
        assert first["confidences"] == pytest.approx(expected, abs=1e-6)
    assert program.get("/v2/health/ready").status == 200


BAD: Sequence[tuple[str, Any, dict[str, str]]] = (
    ("/v1/models/asked:predict", b'{"instances": [', {}),
    ("/v1/models/asked:predict", b"\xff\x00" * 50, {}),
    ("/v1/models/asked:predict", [1, 2], {}),
    ("/v1/models/asked:predict", {"instances": [{"image": {"b64": "AAAA"}}]}, {}),
    ("/v1/models/asked:predict", {"instances": [{"photograph": 7}]}, {}),
    ("/v1/models/asked:predict", {"instances": [None] * 99}, {}),
    ("/v1/models/nobody:predict", {"instances": [{"photograph": "0" * 64}]}, {}),
    ("/v1/models/asked:predict", {"instances": [None]}, {"content_type": "text/plain"}),
    ("/v1/models/asked:predict", {"instances": [None]}, {"authorization": "Bearer nobody's"}),
    ("/v1/models/asked:explain", {"instances": [None], "parameters": {"recipe": "none"}}, {}),
)


def _sent(program: Program, way: tuple[str, Any, dict[str, str]]) -> Answer:
    path, body, headers = way
    return program.post(path, body, **headers)


def _until_taken(program: Program, body: Any) -> Answer:
    """Ask as a good program does: come again when told to, and wait for the answer."""
    while True:
        answer = program.post("/v1/models/asked:predict", body, prefer=f"wait={SECONDS}")
        if answer.status != 429:
            return answer
        time.sleep(float(answer.headers["retry-after"]))


def _scores(bench: Bench, model: Version, pixels: NDArray[np.uint8], said: Any) -> list[float]:
    """The model's own scores of a picture, in the order of an answer."""
    read = bench.registry.load(model.id)
    scene = stage(bench.archive.photograph(sha256(png(pixels)).hexdigest()), read.profile, recipe("default"))
    [scores] = BlackBox(read).scores(scene, np.ones((1, scene.k), bool))
    return [float(scores[int(place)]) for place in said["ids"]]


def _count(bench: Bench) -> int:
    return len(bench.audits.all())


def _await(server: Server) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            urlopen(f"{server.url}/v2/health/ready", timeout=5).close()  # noqa: S310  our own server
        except (URLError, ConnectionError):
            assert server.process.poll() is None and time.monotonic() < deadline, "polelens serve did not come up"
            time.sleep(0.1)
        else:
            return
