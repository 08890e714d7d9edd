"""Titles: what people call an audit, and who wanted it."""

from dataclasses import dataclass, replace
from typing import Any, Self

from sqlalchemy import Row

LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_TAGS = 100, 2000, 40, 20
LONGEST_WORD = 40  # characters of what the object is called: a word or two


@dataclass(frozen=True, slots=True)
class Title:
    """What people call an audit; all of it may be empty.

    Attributes
    ----------
    name : str
        A line of up to `LONGEST_NAME` characters. Two audits may share it: their number tells them apart.
    note : str
        Whatever is worth remembering, in up to `LONGEST_NOTE` characters.
    tags : tuple of str
        Words without blanks and commas, each once, in order.
    started_by : str
        A person, or the policy or schedule that it is of.
    """

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    started_by: str = ""

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME or not self.name.isprintable():
            raise ValueError(f"name is {self.name!r}, expected one line of up to {LONGEST_NAME} characters")
        if len(self.note) > LONGEST_NOTE or "\0" in self.note:
            raise ValueError(f"note has {len(self.note):,} characters, expected text of up to {LONGEST_NOTE:,}")
        for tag in self.tags:
            if not 1 <= len(tag) <= LONGEST_TAG or not tag.isprintable() or set(tag) & {" ", ","}:
                raise ValueError(f"tag is {tag!r}, expected a word of up to {LONGEST_TAG} characters, without commas")
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"there are {len(self.tags)} tags, expected up to {MOST_TAGS}")
        object.__setattr__(self, "tags", tuple(sorted(set(self.tags))))

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The title in a row that has its columns; an order for audits has not been started by anybody."""
        return cls(row.name, row.note, tuple(row.tags), getattr(row, "started_by", ""))

    def by(self, whom: str) -> "Title":
        """The same title of what somebody starts."""
        return replace(self, started_by=whom)

    @property
    def told(self) -> str:
        """The name and the tags in one line."""
        return " ".join(one for one in (self.name, *(f"#{tag}" for tag in self.tags)) if one)

    def columns(self) -> dict[str, Any]:
        """The values of its columns in `audit`."""
        return self.ordered() | {"started_by": self.started_by}

    def ordered(self) -> dict[str, Any]:
        """The values of its columns in `policy` and `schedule`."""
        return {"name": self.name, "note": self.note, "tags": list(self.tags)}


def object_word(given: str) -> str:
    """What the object is called, without blanks around it and without `the`, which the sentences have.

    Raises ValueError.
    """
    word = given.strip().removeprefix("the ").strip()
    if not word or len(word) > LONGEST_WORD or not word.isprintable():
        raise ValueError(f"{given!r} is no word for the object; expected one like pole, up to {LONGEST_WORD} long")
    return word


NONE = Title()
