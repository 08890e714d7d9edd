"""Losses: how many of each kind go or are gone, and their bytes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Losses:
    """How many of each kind, such as explanations or scenes, and how many bytes they take in the blob store.

    `exact` is False where the bytes are those of a sample, multiplied.
    """

    number: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    exact: bool = True

    def add(self, kind: str, number: int, size: int = 0) -> None:
        """Count some of a kind."""
        if number:
            self.number[kind] += number
        if size:
            self.bytes[kind] += size

    def update(self, other: "Losses") -> None:
        """Add others."""
        self.number.update(other.number)
        self.bytes.update(other.bytes)
        self.exact = self.exact and other.exact

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Kind, number and bytes of each."""
        return ((kind, n, self.bytes[kind]) for kind, n in self.number.items())

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.number)

    @property
    def size(self) -> int:
        """All bytes."""
        return self.bytes.total()

    def to_json(self) -> dict[str, Any]:
        """As the commands print it."""
        return {"removed": dict(self.number), "bytes": self.size, "bytes_exact": self.exact}
