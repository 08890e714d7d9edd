"""Orders: what an audit that is to be started is to be, as an address or a form has it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.recipe import AUTO
from polelens.asked import Asked
from polelens.web.view import LONGEST
from storage.planning import Wanted
from storage.registry import Version
from storage.title import Title, object_word

MOST_DAYS = 99_999
ONE = ("model", "recipe", "images", "samples", "seed", "object", "keep", "now", "name", "note")
SEVERAL = ("label", "set", "tag")


@dataclass(frozen=True, slots=True)
class Order:
    """An audit as it is asked for, not yet checked against its model."""

    told: Mapping[str, str]
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, object]]) -> "Order":
        """The order of the fields of a query or a form. Raises ValueError for what is too long to be meant."""
        given: dict[str, list[str]] = {name: [] for name in (*ONE, *SEVERAL)}
        for name, value in pairs:
            if name in given and isinstance(value, str):
                given[name].append(value)
        told = {name: "".join(given[name][-1:]).strip() for name in ONE}
        for name, value in told.items():
            if name != "note" and (len(value) > LONGEST or "\0" in value):
                raise ValueError(f"{name} has {len(value):,} characters, expected up to {LONGEST}")
        if "," in told["recipe"]:
            raise ValueError(f"recipe is {told['recipe']!r}, expected one: each audit is started alone")
        nul = [name for name in SEVERAL if "\0" in "".join(given[name])]
        if nul:
            raise ValueError(f"{nul[0]} has a NUL in it, expected text")
        lines = {name: [line for one in given[name] for line in one.splitlines()] for name in SEVERAL}
        return cls(told, {name: [line.strip() for line in found if line.strip()] for name, found in lines.items()})

    @property
    def asked(self) -> dict[str, str]:
        """What is asked, as a query has it; what may be several in lines."""
        several = {name: "\n".join(lines) for name, lines in self.several.items() if lines}
        return {name: value for name, value in self.told.items() if value} | several

    @property
    def model(self) -> str:
        """The reference of the model."""
        return self.told["model"]

    @property
    def images(self) -> str:
        """The selection of photographs."""
        return self.told["images"] or "all"

    @property
    def words(self) -> list[str]:
        """The options and the argument of `polelens audit plan`; each value stays one, whatever it begins with."""
        recipe = [f"--recipe={self.told['recipe'] or 'default'}", f"--images={self.images}"]
        recipe += [f"--{name}={self.told[name]}" for name in ("samples", "seed") if self.told[name]]
        recipe += [f"--{name}={line}" for name in ("label", "set") for line in self.several.get(name, ())]
        return [*recipe, "--", self.model]

    def wanted(self, version: Version, by: str) -> Wanted:
        """The audit, for a model. Raises ValueError saying what is wrong."""
        recipe = self._asked().recipe(known=version.labels)
        title = Title(self.told["name"], self.told["note"], tuple(self._tags())).by(by)
        word = object_word(self.told["object"] or "object")
        keep = _number("keep", self.told["keep"], MOST_DAYS)
        return Wanted(recipe, self.images, bool(self.told["now"]), word, title=title, keep=keep)

    def _asked(self) -> Asked:
        samples: int | str | None = AUTO if self.told["samples"].casefold() == AUTO else None
        if samples is None:
            samples = _number("samples", self.told["samples"], 2**31 - 1)
        seed = _number("seed", self.told["seed"], 2**31 - 1, least=0)
        changes, labels = (tuple(self.several.get(name, ())) for name in ("set", "label"))
        return Asked(self.told["recipe"] or "default", samples, seed, changes, labels)

    def _tags(self) -> list[str]:
        return [tag for line in self.several.get("tag", ()) for tag in line.replace(",", " ").split()]


def _number(name: str, given: str, most: int, least: int = 1) -> int | None:
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 12 or not least <= int(given) <= most:
        raise ValueError(f"{name} is {given!r}, expected a whole number from {least}")
    return int(given)
