"""The stage: services, workers and beats of a fault's own, all of them real processes, to be broken."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis as redis_client
from sqlalchemy import text

from pipeline.answer.attribution import Attribution
from pipeline.recipes import recipe
from polelens.stack import postgres, redis
from polelens.stack.address import new_postgres_url, new_redis_url
from polelens.stack.processes import Processes
from polelens.stack.workers import await_workers
from storage.audits import Explained
from storage.blobs import make_bucket
from storage.database import migrate
from storage.progress import Progress
from tasks.queues import QUEUES
from tests import models
from tests.chaos.charges import FOLDER, Charges
from tests.chaos.failing import APP
from tests.chaos.fault import Broken
from tests.chaos.fronts import Front, front
from tests.chaos.supervisor import Supervisor
from tests.chaos.undisturbed import assert_undisturbed
from tests.live_audits import Bench, beat_launch, pictures, worker_launch
from tests.services import S3, start_s3

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = 30
SERVICES = {"postgres": "DATABASE_URL", "redis": "CELERY_BROKER_URL", "s3": "AWS_ENDPOINT_URL_S3"}  # who says where
WORKERS, BEATS = ("worker-1", "worker-2"), ("beat-1", "beat-2")
KILLABLE = ("fsync=off",)  # what a killed Postgres had committed is there; only a power cut could lose it
STALLED = "this worker ends itself"  # the watchdog's words
UNACKED = ("unacked", "unacked_index")  # kombu's own: messages that a worker holds
SETTINGS = {
    "POLELENS_LEASE_SECONDS": "5",
    "POLELENS_VISIBILITY_SECONDS": "6",
    "POLELENS_PART_EVALUATIONS": "150",
    "POLELENS_BATCH": "64",
    "POLELENS_WINDOW": "8",
    "POLELENS_STALL_SECONDS": "40",  # twice as long as the longest outage
    # Our kills hit some photograph again and again; that it is given up in the end is another test's rule.
    "POLELENS_ATTEMPTS": "100",
}


class Stage:
    """Services, two workers for everything and two beats, and one audit at a time.

    Workers and beats reach each service through a front; the stage itself, by `bench`, does so directly.
    """

    def __init__(self, home: Path, services: Processes) -> None:
        self.home, self.services = home, services
        self.database_url, self.broker_url = new_postgres_url(), new_redis_url()
        self.charges = Charges(home / "charges")
        self.audit = 0
        self._alone: dict[str, Attribution] = {}
        self._mended: float | None = None

    def raise_services(self) -> None:
        """Start Postgres, Redis and the S3 server."""
        postgres.start(self.services, self.home / "postgres", self.database_url, KILLABLE)
        migrate(self.database_url)
        redis.start(self.services, self.home, self.broker_url)
        self.store: S3 = start_s3(self.services, self.home / "s3")
        direct = {"DATABASE_URL": self.database_url, "CELERY_BROKER_URL": self.broker_url, **self.store.environment}
        here = {"POLELENS_BLOBS": f"s3://{self.store.bucket}/chaos", "POLELENS_HOME": str(self.home)}
        with pytest.MonkeyPatch.context() as patch:  # boto3 looks at it when a client is made
            for name, value in self.store.environment.items():
                patch.setenv(name, value)
            make_bucket(here["POLELENS_BLOBS"])
            self.bench = Bench(direct | here, Processes(self.home / "workers"))
        rest = {FOLDER: str(self.charges.home), "PYTHONPATH": str(ROOT)}
        self.environment = {**self.bench.environment, **SETTINGS, **rest}  # of workers and beats

    def front(self, later: ExitStack) -> None:
        """Have workers and beats reach each service through a front."""
        self.fronts: dict[str, Front] = {}
        for service, variable in SERVICES.items():
            url = self.environment[variable]
            self.fronts[service] = later.enter_context(front(urlsplit(url).port or 0))
            self.environment[variable] = self.fronts[service].before(url)

    def set(self, **settings: object) -> None:
        """Have a model and photographs, and start beats, and workers with these POLELENS_ settings."""
        self.model = self.bench.model(models.uneven(), "yes", "no")
        self.recipe = recipe("default")
        self.bench.photographs("chaos", pictures(PHOTOGRAPHS))
        self.supervisor = Supervisor(self.bench.processes)
        self.supervisor.start(beat_launch(name, self.environment, self.bench.processes) for name in BEATS)
        self.cast(**settings)

    def cast(self, **settings: object) -> None:
        """Start workers anew, with these POLELENS_ settings beside the usual ones."""
        self.supervisor.stop(name for name in WORKERS if name in self.supervisor.names())
        given = {f"POLELENS_{name.upper()}": str(value) for name, value in settings.items()}
        self.supervisor.start(worker_launch(name, self.environment | given, APP) for name in WORKERS)
        await_workers(self.bench.processes, self.broker_url, WORKERS)

    # One audit

    def start_audit(self) -> int:
        """Start an audit of all photographs, of which nothing is known any more."""
        self.charges.clear()
        self._forget()
        self._tallies = self.tallies()
        self.audit = self.bench.audits.start(self.model, self.recipe, "all")
        return self.audit

    def progress(self) -> Progress:
        """How far the audit is."""
        return self.bench.audits.progress(self.audit)

    def over(self) -> bool:
        """Whether the audit has ended."""
        return self.progress().state == "done"

    def await_done(self, photographs: int, seconds: float = 120) -> None:
        """Return when so many more photographs are done, or the audit is over."""
        wanted = self.progress().done + photographs
        self.wait(lambda: self.progress().done >= wanted or self.over(), seconds)

    def await_answers(self, n: int, seconds: float = 120) -> None:
        """Return when so many more answers have been kept, or the audit is over."""
        wanted = len(self.charges.answered()) + n
        self.wait(lambda: len(self.charges.answered()) >= wanted or self.over(), seconds)

    def await_end(self, seconds: float = 180) -> None:
        """Return when the audit has ended."""
        self.wait(self.over, seconds)

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        """Return when something is so. Raises Broken if it is not after so long, a promise without a time to it."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                raise Broken(f"nothing came of it in {seconds:g} s: {self.progress()}, {self.depths()}")
            time.sleep(0.1)

    def mended(self) -> None:
        """Note that what was broken is mended now."""
        self._mended = time.time()

    def take_mended(self) -> float:
        """When the last strike had mended what it broke, seconds since the epoch."""
        mended, self._mended = self._mended, None
        return mended or time.time()

    # What is seen

    def planned(self) -> list[tuple[str, str]]:
        """Name and SHA-256 of the photographs that nobody has begun."""
        rows = "FROM image i JOIN explanation e ON e.image_id = i.id WHERE e.state = 'planned' ORDER BY i.id"
        with self.bench.audits.engine.begin() as c:
            return [(row.name, row.sha256) for row in c.execute(text(f"SELECT i.name, i.sha256 {rows}"))]

    def results(self) -> list[Explained]:
        """The audit's explanations, by the photographs' names."""
        return self.bench.results(self.audit)

    def assert_undisturbed(self, failed: Mapping[str, str] | None = None) -> None:
        """See `tests.chaos.undisturbed`; `failed` has the reasons that are to be expected, by photographs."""
        assert_undisturbed(self, PHOTOGRAPHS, failed or {})

    def undisturbed(self, row: Explained) -> Attribution:
        """What nobody disturbed: the explanation by the core alone, in this process."""
        if row.image not in self._alone:
            self._alone[row.image] = self.bench.explained_alone(self.model, row, self.recipe)
        return self._alone[row.image]

    def value(self, sql: str, **values: object) -> object:
        """One value from the database."""
        with self.bench.audits.engine.begin() as c:
            return c.execute(text(sql), values).scalar()

    def tallies(self) -> dict[str, float]:
        """The counters of the database."""
        with self.bench.audits.engine.begin() as c:
            return {row.what: row.n for row in c.execute(text("SELECT what, sum(n) AS n FROM tally GROUP BY what"))}

    def counted(self, what: str) -> float:
        """What a counter has come to since the audit was started."""
        return self.tallies().get(what, 0) - self._tallies.get(what, 0)

    def depths(self) -> Mapping[str, int]:
        """The queues that are not empty, and how many messages workers hold, all at one moment."""
        with redis_client.Redis.from_url(self.broker_url, decode_responses=True) as client, client.pipeline() as asked:
            for queue in QUEUES:
                asked.llen(queue)
            asked.hlen(UNACKED[0]).zcard(UNACKED[1])
            found = zip((*QUEUES, *UNACKED), asked.execute(), strict=True)
            return {name: depth for name, depth in found if depth}

    def stalls(self) -> int:
        """How often a worker has ended itself since it was stuck."""
        return sum(self.bench.processes.log(name).read_text(errors="replace").count(STALLED) for name in WORKERS)

    def keep_logs(self, folder: Path) -> None:
        """Copy what the processes have printed."""
        for processes in (self.services, self.bench.processes):
            shutil.copytree(processes.log("x").parent, folder, dirs_exist_ok=True)

    def _forget(self) -> None:
        """Drop audits, explanations and scenes, so that the next audit computes all of it again."""
        with self.bench.audits.engine.begin() as c:
            c.execute(text("TRUNCATE audit, audit_explanation, explanation, part, attribution CASCADE"))
        blobs = self.bench.archive.blobs
        for key in [*blobs.keys("scenes/"), *blobs.keys("explanations/")]:
            blobs.delete(key)


@contextmanager
def raised(**settings: object) -> Iterator[Stage]:
    """A stage that goes when it is done; its first workers have these POLELENS_ settings."""
    home = Path(tempfile.mkdtemp(prefix="polelens-chaos-"))  # a short name
    services = Processes(home)
    with ExitStack() as later:
        later.callback(shutil.rmtree, home)
        later.callback(lambda: services.stop(services.names(), seconds=5))
        stage = Stage(home, services)
        stage.raise_services()
        later.callback(stage.bench.close)
        stage.front(later)
        stage.set(**settings)
        later.callback(stage.supervisor.close)
        yield stage
