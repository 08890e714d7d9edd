"""deploy/compose.yaml as Compose reads it: with the variables put in, and in the order of its dependencies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent.parent / "deploy/compose.yaml"
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?P<kind>:?[-?])?(?P<rest>[^}]*)\})")
REST = ("prepare-now", "reduce-now", "prepare", "reduce")
IMAGES_OF_OTHERS = {"postgres", "redis", "s3", "prometheus", "grafana"}


def variables() -> set[tuple[str, str]]:
    """Every variable of the file, and what follows its name: `:?` if it must be given, `:-` before a default."""
    return {(found["name"], found["kind"] or "") for found in VARIABLE.finditer(FILE.read_text()) if found["name"]}


def must_be_given() -> set[str]:
    """The variables without a default."""
    return {name for name, kind in variables() if kind == ":?"}


def document(given: Mapping[str, str]) -> dict[str, Any]:
    """The file with the variables put in. Raises KeyError for one that must be given and is not."""

    def value(found: re.Match[str]) -> str:
        if not found["name"]:
            return "$"
        return given[found["name"]] if found["kind"] == ":?" else given.get(found["name"], found["rest"])

    read: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, FILE.read_text()))
    return read


@dataclass(frozen=True)
class Service:
    """A service of our own image: what it runs, in which environment, after what."""

    name: str
    definition: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        """The command, its entry point first."""
        return [*self.definition.get("entrypoint", []), *self.definition["command"]]

    @property
    def environment(self) -> dict[str, str]:
        """The settings' file, and over it what the service says itself."""
        lines = (FILE.parent / self.definition["env_file"]).read_text().splitlines()
        pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
        return {name: value for name, _, value in pairs} | self.definition["environment"]

    @property
    def after(self) -> dict[str, str]:
        """The services it waits for, and what it waits for them to be."""
        return {name: how["condition"] for name, how in self.definition["depends_on"].items()}

    @property
    def healthcheck(self) -> list[str] | None:
        """The command that says whether it is well."""
        return self.definition["healthcheck"]["test"][1:] if "healthcheck" in self.definition else None


def services(given: Mapping[str, str]) -> Iterator[Service]:
    """The services of our own image, each after those that it waits for."""
    ours = {name: Service(name, one) for name, one in document(given)["services"].items()}
    waiting = [one for name, one in ours.items() if name not in IMAGES_OF_OTHERS]
    there = set(IMAGES_OF_OTHERS)
    while waiting:
        one = next(one for one in waiting if there >= set(one.after))
        waiting.remove(one)
        there.add(one.name)
        yield one
