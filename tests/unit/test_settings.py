"""The settings: from the environment, checked when a process starts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from pipeline.answer.judgement import Thresholds
from pipeline.pictures.palette import PALETTES
from storage.settings import Settings, SettingsError, settings, thresholds

ADDRESSES = {
    "DATABASE_URL": "postgresql://me:secret-1@db/polelens",
    "CELERY_BROKER_URL": "redis://:secret-2@queue/0",
    "POLELENS_BLOBS": "s3://bucket/prefix",
}
NUMBERS = ["window", "attempts", "part_evaluations", "batch", "threads"]
SHARES = tuple(
    name for name, one in Settings.model_fields.items() if name.startswith("judge_") and one.annotation is float
)
SECONDS = ["lease_seconds", "part_seconds", "produce_seconds", "sweep_seconds", "visibility_seconds"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """The addresses and nothing else, and no local stack."""
    for field in Settings.model_fields:
        for name in (field, f"polelens_{field}", f"celery_{field}"):
            monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("POLELENS_HOME", str(tmp_path))
    for name, value in ADDRESSES.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_the_addresses_come_from_the_environment(tmp_path: Path) -> None:
    """By the names that other programs use for them; everything else has a default."""
    here = settings()
    assert [here.database_url, here.broker_url, here.blobs] == list(ADDRESSES.values())
    assert (here.home, here.window, here.lease_seconds, here.attempts) == (tmp_path, 64, 300, 3)
    assert settings() is here


@pytest.mark.parametrize("field", sorted(set(Settings.model_fields) - {"database_url", "broker_url", "home", "blobs"}))
def test_every_setting_is_set_by_its_variable(environment: pytest.MonkeyPatch, field: str) -> None:
    """POLELENS_ and its name."""
    words = {"providers": "CUDAExecutionProvider", "precision": "bf16", "palette": "blue-orange", "logs": "json"}
    words |= {"flower_url": "https://flower/path"}
    value = words.get(field, "0.7" if field in (*SHARES, "change_distance") else "7")
    if field == "webhook_url":
        value = "https://receiver/path"
        environment.setenv("POLELENS_WEBHOOK_SECRET", "16 characters ..")
    environment.setenv(f"POLELENS_{field.upper()}", value)
    assert str(getattr(settings(), field)) in (value, f"{value}.0")


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_address_is_named(environment: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    """With both ways to have one; an empty variable, as a compose file leaves it, is a missing one."""
    environment.delenv(name)
    if value is not None:
        environment.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} is not set and no local stack is running"):
        settings()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(field, value) for field in NUMBERS for value in ("-1", "many", "1.5")],
        *[(field, "0") for field in NUMBERS if field not in ("part_evaluations", "batch")],
        *[(field, value) for field in SECONDS for value in ("0", "-1", "soon")],
        *[(field, value) for field in SHARES for value in ("-0.1", "1.1", "half")],
        ("batch", "4097"),
        ("change_distance", "3"),
        ("palette", "pink"),
        ("blobs", "http://host/x"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(environment: pytest.MonkeyPatch, field: str, value: str) -> None:
    """Before any work is done, so that a worker set up wrongly fails no photograph."""
    environment.setenv(f"POLELENS_{field.upper()}", value)
    with pytest.raises(SettingsError, match=f"POLELENS_{field.upper()} is '{value}': "):
        settings()


def test_the_thresholds_need_no_services(environment: pytest.MonkeyPatch) -> None:
    """Explaining one photograph reads them where there is neither a database nor a stack; a wrong one is named."""
    for name in ADDRESSES:
        environment.delenv(name)
    assert thresholds() == Thresholds()
    environment.setenv("POLELENS_JUDGE_FILL", "0.9")
    environment.setenv("POLELENS_JUDGE_BACKGROUND_RELIANCE", "0.4")
    assert thresholds() == Thresholds(background_reliance=0.4, fill=0.9)
    environment.setenv("POLELENS_JUDGE_GAP", "much")
    with pytest.raises(SettingsError, match="POLELENS_JUDGE_GAP is 'much': "):
        thresholds()


def test_secrets_are_not_shown() -> None:
    """Not in the representation that ends up in logs and tracebacks."""
    shown = f"{settings()!r} {settings()}"
    assert "s3://bucket/prefix" in shown
    assert "secret-" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver/secret-3",
        "ftp://localhost/secret-3",
        "https:///secret-3",
        "secret-3",
        "http://localhost.evil/secret-3",
    ],
)
def test_a_webhook_is_private(environment: pytest.MonkeyPatch, url: str) -> None:
    """Only https leaves this machine; the refusal does not show the address, which may hold a secret."""
    environment.setenv("POLELENS_WEBHOOK_URL", url)
    environment.setenv("POLELENS_WEBHOOK_SECRET", "16 characters ..")
    with pytest.raises(SettingsError, match=r"POLELENS_WEBHOOK_URL: .*expected https://") as refusal:
        settings()
    assert "secret-" not in str(refusal.value)


@pytest.mark.parametrize("secret", [None, "", "secret-4"])
def test_a_webhook_has_a_secret(environment: pytest.MonkeyPatch, secret: str | None) -> None:
    """Long enough that nobody guesses it, and not shown."""
    environment.setenv("POLELENS_WEBHOOK_URL", "http://127.0.0.1:8000/hook")
    if secret is not None:
        environment.setenv("POLELENS_WEBHOOK_SECRET", secret)
    with pytest.raises(SettingsError, match=r"POLELENS_WEBHOOK_SECRET: .*at least 16 characters") as refusal:
        settings()
    assert "secret-4" not in str(refusal.value)
    environment.setenv("POLELENS_WEBHOOK_SECRET", "secret-4 " * 2)
    assert settings().webhook_url == "http://127.0.0.1:8000/hook"
    assert "secret-4" not in f"{settings()!r} {settings()}"


@pytest.mark.parametrize("name", ["DATABASE_URL", "CELERY_BROKER_URL"])
@pytest.mark.parametrize("password", ["zz/qq", "zz#qq", "zz?qq", "[zzqq"])
def test_of_a_password_written_wrongly_nothing_is_told(
    environment: pytest.MonkeyPatch, name: str, password: str
) -> None:
    """A library that splits the address at the wrong place would quote a piece of it."""
    environment.setenv(name, f"redis://user:{password}@host:1/0")
    with pytest.raises(SettingsError, match=f"^{name}: not an address like") as refused:
        settings()
    assert not {"zz", "qq"} & set(re.findall("zz|qq", str(refused.value)))
    assert refused.value.__cause__ is None


def test_nothing_is_changed_afterwards() -> None:
    """Settings are read once."""
    with pytest.raises(ValueError, match="frozen"):
        settings().window = 3


def test_the_local_stack_s_addresses_come_last(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stack that was started in POLELENS_HOME answers what the environment leaves open."""
    stack = {"database_url": "postgresql://local/d", "broker_url": "redis://local/0", "blobs": "/local/blobs"}
    (tmp_path / "stack.json").write_text(json.dumps(stack | {"more": "that is not ours"}))
    assert settings().database_url == ADDRESSES["DATABASE_URL"]
    for name in ADDRESSES:
        environment.delenv(name)
    settings.cache_clear()
    assert [settings().database_url, settings().broker_url, settings().blobs] == list(stack.values())


def test_the_palettes_are_those_there_are() -> None:
    """What the settings let through, the pictures know."""
    assert set(get_args(Settings.model_fields["palette"].annotation)) == set(PALETTES)


def test_a_login_in_the_place_of_the_blobs_is_refused_and_not_quoted(environment: pytest.MonkeyPatch) -> None:
    """It would be in every message that names the store."""
    environment.setenv("POLELENS_BLOBS", "s3://KEY:secret-3@bucket/prefix")
    with pytest.raises(SettingsError, match=r"^POLELENS_BLOBS: expected s3://bucket/prefix with no login") as refused:
        settings()
    assert "secret-3" not in str(refused.value)
