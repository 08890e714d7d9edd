"""Members: which role somebody has whom another service has signed in."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from polelens.web.who import Role

EVERYBODY, GROUP = "*", "group:"


@dataclass(frozen=True, slots=True)
class Members:
    """By each role who has it: names, groups as `group:NAME`, and `*` for everybody who has signed in."""

    roles: dict[Role, frozenset[str]]

    @classmethod
    def of(cls, readers: str, markers: str, operators: str) -> Self:
        """Lists with commas, as settings have them."""
        told = zip(Role, (readers, markers, operators), strict=True)
        return cls({role: frozenset(one.strip() for one in given.split(",") if one.strip()) for role, given in told})

    def __bool__(self) -> bool:
        """Whether anybody has a role."""
        return any(self.roles.values())

    @property
    def told(self) -> str:
        """Which roles are given to how many, in words."""
        return ", ".join(f"{role}: {len(named)}" for role, named in self.roles.items())

    def role(self, name: str, groups: Collection[str]) -> Role | None:
        """The greatest role of somebody; None if they have none."""
        known = {EVERYBODY, name, *(GROUP + group for group in groups)}
        return max((role for role, named in self.roles.items() if named & known), default=None)

    def named(self, groups: Collection[str]) -> list[str]:
        """Of somebody's groups, those that a role is given to: a cookie has no room for all."""
        return sorted(group for group in groups if any(GROUP + group in named for named in self.roles.values()))
