"""A memory: a database and a blob folder with all that an archive comes to have, copied for each test that forgets."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from pipeline.recipes import recipe
from pipeline.refit import refit_recipe
from polelens.stack import postgres
from polelens.stack.processes import Processes
from storage.archive import Photograph
from storage.blobs import Blobs, open_blobs
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from storage.database import connect
from tests import models
from tests.live_audits import Bench, pictures, png
from tests.services import TEMPLATE

NAMES = ("north/blåbær-17.png", "north/second.png", "south/third.png", "south/fourth.png")
SMALL = {"samples": 16, "seeds": [1, 11], "segmenter": "grid", "segmenter.n_segments": 16, "fill": "black"}
ROWS = 'SELECT t::text FROM "{table}" t'
ANSWERS = """
SELECT e.key || e.probabilities::text || e.evaluations || t::text FROM explanation e
JOIN image i ON i.id = e.image_id JOIN attribution t ON t.explanation_id = e.id WHERE {which} ORDER BY e.key, t.label
"""
_numbers = count(1)


@dataclass(frozen=True)
class Audited:
    """The numbers of the audits of a memory."""

    all: int  # of all photographs by planted@1
    later: int  # by planted@2, and compared with the first
    twin: int  # of two of them by twin@1, planted@1's file under another name: it shares its explanations
    refit: int  # of the first
    named: int  # of the first photograph alone, by its name, with another recipe


@dataclass(frozen=True)
class Memory:
    """A database and its blobs."""

    environment: dict[str, str]
    engine: Engine
    blobs: Blobs
    audited: Audited

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        with self.engine.begin() as c:
            names = c.scalars(
                text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            )
            return {name: sorted(c.scalars(text(ROWS.format(table=name)))) for name in names}

    def value(self, sql: str, **values: object) -> object:
        """One value from the database."""
        with self.engine.begin() as c:
            return c.execute(text(sql), values).scalar()

    def answers(self, which: str = "true") -> list[str]:
        """The answers of explanations `e` of photographs `i`, to the last bit, with what they were asked with."""
        with self.engine.begin() as c:
            return list(c.scalars(text(ANSWERS.format(which=which))))

    def kept(self) -> dict[str, bytes]:
        """All blobs."""
        return {key: self.blobs.get(key) for key in list(self.blobs.keys())}


@pytest.fixture(scope="session")
def first_memory(
    migrated_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Audited]:
    """The memory that all others are copies of: its database, its blobs and its audits."""
    url, folder = migrated_url.replace(f"/{TEMPLATE}", "/memory"), tmp_path_factory.mktemp("memory")
    postgres.create_database(url, TEMPLATE)
    settings = {
        "POLELENS_BLOBS": str(folder / "blobs"),
        "POLELENS_PART_EVALUATIONS": "300",
        "POLELENS_LEASE_SECONDS": "60",
    }
    environment = {"DATABASE_URL": url, "CELERY_BROKER_URL": redis_url.removesuffix("/0") + "/2", **settings}
    bench = Bench(environment, Processes(folder / "workers"))
    bench.workers(1)
    try:
        return url, folder / "blobs", _remember(bench)
    finally:
        bench.close()


def _remember(bench: Bench) -> Audited:
    weights = np.kron(np.random.Generator(np.random.Philox(5)).uniform(-1, 1, (4, 4)), np.ones((8, 8)))
    one, two = (models.additive(weights * share / np.abs(weights).sum() / 255, bias=0.5) for share in (0.4, 0.3))
    first, second = (bench.model(onnx, "yes", "no") for onnx in (one, two))
    twin = bench.model(one, "yes", "no", name="twin")
    for name, pixels in zip(NAMES, pictures(4, seed=7), strict=True):
        mask = np.zeros((32, 32, 3), np.uint8)
        mask[8:24, 8 : 16 + len(name) % 5] = 255
        bench.archive.add(Photograph(name, png(pixels), "yes", png(mask)))
    small = recipe("default").override(SMALL)
    numbers = [bench.audits.start(model, small, "all") for model in (first, second)]
    for number in numbers:
        assert bench.wait(number).done == 4
    shared = bench.audits.start(twin, small, "north/*")
    refit = bench.audits.refit(numbers[0], first, refit_recipe(small, small.override({"kernel_width": 0.5})))
    named = bench.audits.start(first, recipe("occlusion").override({"segmenter": "grid"}), NAMES[0])
    for number in (shared, refit, named):
        assert not bench.wait(number).failed
    comparer = Comparer(Comparisons(bench.audits.engine), bench.registry, bench.archive.blobs)
    compared = comparer.comparisons.start(*numbers)
    assert comparer.comparisons.begin(compared.id)
    assert list(comparer.pages(compared)) == [4]
    comparer.conclude(compared)
    return Audited(*numbers, shared, refit, named)


@pytest.fixture
def memory(first_memory: tuple[str, Path, Audited], broker_url: str, tmp_path: Path) -> Iterator[Memory]:
    """A memory of the test's own."""
    template, folder, audited = first_memory
    url = f"{template.rpartition('/')[0]}/memory_{next(_numbers)}"
    postgres.create_database(url, "memory")
    shutil.copytree(folder, tmp_path / "blobs")
    environment = {"DATABASE_URL": url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": str(tmp_path / "blobs")}
    engine = connect(url)
    yield Memory(environment, engine, open_blobs(environment["POLELENS_BLOBS"]), audited)
    engine.dispose()
    postgres.drop_database(url)
