"""The nearest name: what somebody may have meant who wrote one that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def resolved(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that this is: exactly, or but for upper and lower case where only one is; else None.

    Examples
    --------
    >>> resolved("tre", ["TRE", "STAAL"]), resolved("a", ["A", "a"]), resolved("ab", ["Ab", "aB"])
    ('TRE', 'a', None)
    """
    known = list(names)
    alike = [one for one in known if one.casefold() == name.casefold()]
    return name if name in known else (alike[0] if len(alike) == 1 else None)


def meant(name: str, names: Iterable[str]) -> str:
    """` (did you mean X?)` for the nearest of the names, or nothing where none is near; case does not matter.

    Examples
    --------
    >>> meant("StåI", ["STÅL", "TRE"]), meant("pine", ["STÅL", "TRE"])
    (' (did you mean STÅL?)', '')
    """
    folded = {one.casefold(): one for one in names}
    near = get_close_matches(name.casefold(), list(folded), n=1)
    return f" (did you mean {folded[near[0]]}?)" if near else ""
