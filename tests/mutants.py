"""What `make mutants` came to, by module: fails where a change of the science goes unnoticed that no line argues for.

Numbers of mutants change with the code, so `tests/survivors.toml` argues by function and line.
"""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED = Path(__file__).with_name("survivors.toml")
DECIDED = {"killed": "killed", "timeout": "killed", "caught by type check": "killed", "not checked": "not run"}
NAME = re.compile(r"(?P<module>.+?)\.x(?:_|ǁ(?P<owner>\w+)ǁ)(?P<function>\w+)__mutmut_\d+")


@dataclass(frozen=True, slots=True)
class Argued:
    """Why a change need not be noticed; any change of the line, if it says none."""

    function: str
    was: str
    why: str
    now: str | None = None

    def covers(self, function: str, was: str, now: str) -> bool:
        """Whether it argues for this change."""
        return (self.function, self.was) == (function, was) and self.now in (None, now)


def argued() -> list[Argued]:
    """The list."""
    return [Argued(**one) for one in tomllib.loads(LISTED.read_text()).get("survivor", [])]


def place(mutant: str) -> tuple[str, str]:
    """Module and function of a mutant.

    Examples
    --------
    >>> place("pipeline.judge.neighbourhood.xǁOneOffǁfindings__mutmut_3")
    ('pipeline.judge.neighbourhood', 'OneOff.findings')
    >>> place("pipeline.judge.verdict.x__few__mutmut_1")
    ('pipeline.judge.verdict', '_few')
    """
    found = NAME.fullmatch(mutant)
    if found is None:
        raise ValueError(f"{mutant!r} is no name of a mutant")
    return found["module"], ".".join(filter(None, [found["owner"], found["function"]]))


def _mutmut(*words: str) -> str:
    return subprocess.run([sys.executable, "-m", "mutmut", *words], capture_output=True, text=True, check=True).stdout


def _results() -> Iterator[tuple[str, str]]:
    for line in _mutmut("results", "--all", "true").splitlines():
        name, _, status = line.strip().partition(": ")
        if "__mutmut_" in name:
            yield name, status


def _change(mutant: str) -> tuple[str, str]:
    """The line as it was and as it is now, of a mutant that changes one."""
    lines = [line for line in _mutmut("show", mutant).splitlines() if not line.startswith(("---", "+++"))]
    was, now = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    return "\n".join(was), "\n".join(now)


def _judged(mutant: str, status: str, known: Sequence[Argued]) -> str:
    """killed, argued, survived or not run; a survivor is shown."""
    if status in DECIDED:
        return DECIDED[status]
    function, (was, now) = ".".join(place(mutant)), _change(mutant)
    if any(one.covers(function, was, now) for one in known):
        return "argued"
    print(f"{function} ({status})\n  - {was}\n  + {now}")
    return "survived"


def _table(counts: Mapping[str, Counter[str]]) -> Iterator[str]:
    for module, count in counts.items():
        if set(count) != {"not run"}:
            words = [f"{count[word]} {word}" for word in ("killed", "argued", "survived", "not run") if count[word]]
            yield f"{module}: {', '.join(words)}"
    idle = [module for module, count in counts.items() if set(count) == {"not run"}]
    yield f"not run: {', '.join(idle) or 'none'}"


def main() -> int:
    """Print what survived, and the counts; 1 where a survivor is not argued."""
    known = argued()
    counts: dict[str, Counter[str]] = {}
    for mutant, status in _results():
        counts.setdefault(place(mutant)[0], Counter())[_judged(mutant, status, known)] += 1
    print(*_table(counts), sep="\n")
    return 1 if any(count["survived"] for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
