"""Least privilege and TLS: an audit completes with a login for each role and every connection encrypted."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import make_url

from polelens.stack.address import HOST, free_port, password, taken
from polelens.stack.processes import Launch, Processes
from polelens.stack.redis import server
from polelens.stack.workers import await_flower, beat_command, flower_command, listening
from storage.roles import ROLES, SQL
from storage.user_tables import metadata
from tests import models
from tests.commands import CommandsIn
from tests.live_audits import Bench, pictures, png
from tests.tls import Certificates, certificates, tls_front

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ACL = DEPLOY / "redis.acl"


@dataclass(frozen=True)
class Logins:
    """Addresses of Postgres and Redis for each role, over TLS."""

    postgres: Mapping[str, str]
    redis: Mapping[str, str]

    def environment(self, role: str, blobs: Path) -> dict[str, str]:
        """What a process of this role has in its environment."""
        urls = {"DATABASE_URL": self.postgres[role], "CELERY_BROKER_URL": self.redis[role]}
        return urls | {"POLELENS_BLOBS": str(blobs), "POLELENS_PART_EVALUATIONS": "300", "POLELENS_LEASE_SECONDS": "5"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for this machine."""
    return certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture
def postgres_logins(database_url: str, made: Certificates) -> Iterator[dict[str, str]]:
    """A login for each role of migrations/roles.sql, over verified TLS."""
    url = make_url(database_url).set(drivername="postgresql")
    secrets = {role: password() for role in ROLES}
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(SQL.read_bytes())
        c.execute(SQL.read_bytes())  # again, as after a migration
        for role, secret in secrets.items():
            c.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"a_{role}")))
            made_role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            c.execute(made_role.format(*map(sql.Identifier, [f"a_{role}"]), secret, sql.Identifier(f"polelens_{role}")))
    with tls_front(url.port or 0, made) as port:
        verified = {"sslmode": "verify-full", "sslrootcert": str(made.authority)}
        places = {role: url.set(username=f"a_{role}", password=secret, port=port) for role, secret in secrets.items()}
        yield {
            role: place.update_query_dict(verified).render_as_string(hide_password=False)
            for role, place in places.items()
        }


@pytest.fixture
def redis_logins(tmp_path: Path, made: Certificates) -> Iterator[dict[str, str]]:
    """A login for each user of deploy/redis.acl, over verified TLS."""
    secrets, port, processes = {}, free_port(), Processes(tmp_path / "redis")
    acl = ACL.read_text()
    for role in re.findall(r"^user (\w+) on", acl, re.MULTILINE):
        secrets[role] = password()
        acl = acl.replace(f"CHANGE-ME-{role}", secrets[role])
    (tmp_path / "users.acl").write_text("".join(f"{line}\n" for line in acl.splitlines() if not line.startswith("#")))
    command = [str(server()), "--port", str(port), "--bind", HOST, "--aclfile", str(tmp_path / "users.acl")]
    processes.start(Launch("redis", [*command, "--save", "", "--dir", str(tmp_path)], {}))
    while not taken(f"redis://{HOST}:{port}"):
        assert processes.pid("redis"), processes.last_words("redis")
    with tls_front(port, made) as front:
        query = f"ssl_cert_reqs=required&ssl_ca_certs={made.authority}"
        yield {role: f"rediss://{role}:{secret}@{HOST}:{front}/0?{query}" for role, secret in secrets.items()}
    processes.stop(["redis"])


@pytest.fixture
def logins(postgres_logins: dict[str, str], redis_logins: dict[str, str]) -> Logins:
    """All of them."""
    return Logins(postgres_logins, redis_logins)


def test_an_audit_completes_with_a_login_for_each_role(logins: Logins, commands: CommandsIn, tmp_path: Path) -> None:
    """The command line starts it, workers and beat do it, Flower watches, a reader reads it; nobody has more rights."""
    blobs, processes, photograph = tmp_path / "blobs", Processes(tmp_path / "workers"), tmp_path / "one.png"
    photograph.write_bytes(png(pictures(1, seed=9)[0]))
    working = Bench(logins.environment("control", blobs), processes)
    asking = Bench(logins.environment("producer", blobs), processes)
    flower = f"http://{HOST}:{free_port()}"
    try:
        processes.start(Launch("beat", beat_command(str(tmp_path / "beat")), working.environment))
        watching = {"CELERY_BROKER_URL": logins.redis["watcher"], "FLOWER_BASIC_AUTH": f"watch:{password()}"}
        processes.start(Launch("flower", flower_command(flower), working.environment | watching))
        working.workers(1)
        assert listening(logins.redis["producer"]) == listening(logins.redis["watcher"]) == {"all-0"}
        version = asking.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
        asking.photographs("seen", pictures(3))
        number = asking.audit(version, "seen/*", samples=64)
        progress = asking.wait(number)
        assert (progress.done, progress.failed) == (3, 0)
        await_flower(processes, flower)
        logs = {name: processes.log(name).read_text() for name in processes.names()}
        assert {
            name for name, log in logs.items() if re.search("NOPERM|No permissions|permission denied", log)
        } == set()
    finally:
        working.close()
        asking.close()
    reading = commands(logins.environment("producer", blobs) | {"DATABASE_URL": logins.postgres["reader"]})
    assert reading.json("audit", "show", str(number))["judgements"]
    assert "permission denied" in reading.refused("images", "add", str(photograph))
    told = json.loads(reading.run("doctor", "--json").stdout)
    well = {one["subject"] for one in told if one["ok"]}
    assert {"Postgres", "migrations", "Redis", "queues"} <= well, told


TABLES = {table.name for table in metadata.sorted_tables}
MAY = {  # what each role may write, by the right
    "worker": {
        "INSERT": {"part", "attribution", "tally", "pace", "placement", "notice"},
        "UPDATE": {"explanation", "audit", "part", "attribution", "tally", "pace", "placement"},
        "DELETE": {"part", "audit_explanation", "placement"},
    },
    "control": {
        "INSERT": TABLES - {"model", "image", "mark", "token"},
        "UPDATE": TABLES - {"model", "image", "mark", "trail", "token"},
        "DELETE": TABLES - {"model", "image", "mark", "trail", "token"},
    },
    "producer": {
        "INSERT": TABLES - {"attribution", "part", "change", "mark", "audit_figures"},
        "UPDATE": TABLES - {"attribution", "part", "change", "mark", "audit_figures", "trail", "token"},
        "DELETE": TABLES - {"attribution", "part", "change", "mark", "audit_figures", "trail"},
    },
    "reader": {"INSERT": set(), "UPDATE": set(), "DELETE": set()},
    "marker": {"INSERT": {"mark", "trail"}, "UPDATE": {"mark"}, "DELETE": {"mark"}},
    "operator": {
        "INSERT": {"audit", "audit_explanation", "comparison", "explanation", "image", "image_name", "mark", "model"}
        | {"job", "notice", "pace", "recipe", "trail"},
        "UPDATE": {"audit", "comparison", "explanation", "image", "job", "mark", "pace", "policy"},
        "DELETE": {"change", "mark"},
    },
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_do_nothing_else(postgres_logins: dict[str, str], role: str) -> None:
    """A reader writes nothing, a worker answers alone, a producer answers never, and nobody makes a table.

    A marker marks alone; an operator also adds what is audited, and starts it. What the trail says nobody changes or
    takes back.
    """
    writes = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
    with psycopg.connect(postgres_logins[role], autocommit=True) as c:
        assert c.execute("SELECT count(*) FROM explanation_flags").fetchone() == (0,)
        for right, tables in MAY[role].items():
            rows = c.execute(writes + "AND has_table_privilege(oid, %s)", [right]).fetchall()
            assert {name for (name,) in rows} == tables, right
        for statement in ("CREATE TABLE mine (id int)", "DROP TABLE image", "UPDATE model SET name = 'x'"):
            if role == "producer" and statement.startswith("UPDATE"):
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(statement)


def test_who_removes_photographs_unsays_their_names_in_marks(
    postgres_logins: dict[str, str],
) -> None:
    """A producer may take a name out of a comment and the tags; what was judged, and by whom, it may not touch."""
    with psycopg.connect(postgres_logins["producer"], autocommit=True) as c:
        c.execute("UPDATE mark SET comment = '?', tags = '{}'")
        for column in ("word", "label", "who"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(psycopg.sql.SQL("UPDATE mark SET {} = NULL").format(psycopg.sql.Identifier(column)))


def test_a_user_of_redis_can_do_nothing_else(redis_logins: dict[str, str]) -> None:
    """Flower and the command line keep to the queues, nobody empties or sets up the server."""
    for role, words in {
        "worker": ["FLUSHALL", "CONFIG GET *", "SHUTDOWN", "ACL LIST", "KEYS *"],
        "control": ["FLUSHALL", "CONFIG GET *", "SHUTDOWN", "ACL LIST", "KEYS *"],
        "producer": ["FLUSHALL", "CONFIG GET *", "CONFIG SET dir /", "GET other"],
        "operator": ["FLUSHALL", "CONFIG GET *", "CONFIG SET dir /", "GET other"],
        "watcher": ["FLUSHALL", "CONFIG GET *", "SET other 1"],
    }.items():
        with redis.Redis.from_url(redis_logins[role]) as client:
            assert client.ping()
            for word in words:
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*word.split())


def test_a_certificate_of_another_authority_is_refused(
    postgres_logins: dict[str, str], redis_logins: dict[str, str], made: Certificates, tmp_path: Path
) -> None:
    """And so is a name nobody has: encrypted is not enough."""
    other = str(certificates(tmp_path / "others").authority)
    wrong = make_url(postgres_logins["worker"]).update_query_dict({"sslrootcert": other})
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(wrong.render_as_string(hide_password=False))
    with (
        redis.Redis.from_url(redis_logins["worker"].replace(str(made.authority), other)) as client,
        pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.ping()
    with (
        pytest.raises(redis.AuthenticationError),
        redis.Redis.from_url(redis_logins["worker"].replace("worker:", "nobody:")) as client,
    ):
        client.ping()
