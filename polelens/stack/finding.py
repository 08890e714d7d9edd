"""What the doctor says: a line for each thing it looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was seen, and if it is not, how to mend it.

    One that is well and has a remedy all the same is a warning: it works, and could be better.
    """

    subject: str
    ok: bool
    seen: str
    remedy: str = ""

    @property
    def word(self) -> str:
        """What the line begins with."""
        if not self.ok:
            return "FAIL"
        return "warn" if self.remedy else "ok"


def judged(subject: str, ok: bool, seen: str, remedy: str) -> Finding:
    """A finding that has its remedy only if it needs one."""
    return Finding(subject, ok, seen, "" if ok else remedy)


def brief(error: Exception) -> str:
    """The first line of an error, which never holds the password that the URL does."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
