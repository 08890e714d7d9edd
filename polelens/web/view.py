"""A view of a grid, as an address has it: what is asked, in which order, and from where on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

from polelens.web.finding import GREATEST
from storage.filters import Filters
from storage.grid import ORDERS, Order, check_place

NUMBERS = ("least", "most", "leans", "leans_most")
LONGEST = 200  # characters of what is asked: names and labels are shorter


@dataclass(frozen=True, slots=True)
class View:
    """What a person looks at of an audit."""

    filters: Filters
    order: Order = "worst"
    after: str = ""
    before: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "View":
        """The view of a query; what it does not know is passed over. Raises ValueError naming what is wrong."""
        told = {one.name: asked.get(one.name, "").strip() for one in fields(Filters)}
        for name, value in told.items():
            if len(value) > LONGEST or "\0" in value:
                raise ValueError(f"{name} has {len(value):,} characters, expected up to {LONGEST}")
        given: dict[str, Any] = told | {name: _number(name, told[name]) for name in NUMBERS}
        order = next((one for one in ORDERS if one == asked.get("order", "worst")), None)
        if order is None:
            raise ValueError(f"order is {asked.get('order')!r}, expected one of {', '.join(ORDERS)}")
        for place in (asked.get("after", ""), asked.get("before", "")):
            check_place(order, place)
        return cls(Filters(**given), order, asked.get("after", ""), asked.get("before", ""))

    @property
    def asked(self) -> dict[str, str]:
        """The query of this view's first page."""
        return self.filters.asked | ({} if self.order == "worst" else {"order": self.order})


def _number(name: str, given: str) -> float | None:
    """A share, 0..1, given so or in percent."""
    if not given:
        return None
    try:
        value = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
        if not isfinite(value):
            raise ValueError
    except ValueError:
        raise ValueError(f"{name} is {given!r}, expected a share like 0.5 or 50%") from None
    return value


def place_of(name: str, given: str, most: int = GREATEST) -> int | None:
    """The number of what a page goes on after, or None where none is given. Raises ValueError.

    Examples
    --------
    >>> place_of("before", "17"), place_of("before", "")
    (17, None)
    """
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > len(str(most)) or int(given) > most:
        raise ValueError(f"{name} is {given[:20]!r}, expected the number that a page has ended with")
    return int(given)
