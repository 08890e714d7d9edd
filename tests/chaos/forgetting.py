"""An audit deleted and garbage removed under the running one: by two at once, of which one is killed in the middle."""

import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from sqlalchemy import text

from storage.keys import explanation_key, image_key, scene_key
from storage.planning import Wanted, plan
from tests.chaos.fault import Broken, Missed
from tests.chaos.live_stack import Stage

SECONDS = 1.5  # in which one of them is killed
LOST = 40  # blobs of each kind that nothing refers to
LEFT = "SELECT count(*) FROM explanation e WHERE NOT EXISTS (SELECT FROM audit_explanation WHERE explanation_id = e.id)"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`audit delete` of another audit of the same photographs, and `gc` without any grace."""

    name: str = "an audit deleted and gc, twice at once, one killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Nothing of the other audit is left, and of what nobody wants; what the running one wants is there.

        It strikes while the audit runs; the audit may end before all garbage is gone.
        """
        other, lost = _other(stage), _lost(dice)
        with ExitStack() as later:
            killed, spared, last = [later.enter_context(_forgetter(stage, other)) for _ in range(3)]
            for key in lost:
                stage.bench.archive.blobs.put(key, b"nobody's")
            for one in (killed, spared, last):
                one.stdout.readline()  # it is ready, after some seconds of imports
            if stage.over():
                raise Missed("the audit was over")
            for one in (killed, spared):
                one.stdin.close()
            time.sleep(SECONDS * dice.random())
            killed.kill()
            killed.wait()
            last.stdin.close()  # for what the killed one had in its hands
            if failed := [one.returncode for one in (spared, last) if one.wait(120)]:
                raise Broken(f"removing failed with status {failed}")
        if left := [key for key in lost if stage.bench.archive.blobs.exists(key)]:
            raise Broken(f"{len(left)} blobs of nobody are left: {left[0]}")
        if rows := stage.value(LEFT):
            raise Broken(f"{rows} explanations of nobody are left")
        if stage.value("SELECT count(*) FROM audit WHERE id = :id", id=other):
            raise Broken("the deleted audit is there")


def _other(stage: Stage) -> int:
    """Another audit of all photographs, which was cancelled before anything of it was begun."""
    with stage.bench.audits.engine.begin() as c:
        number = plan(c, stage.model, Wanted(stage.recipe.override({"samples": 16}), "all"))
        c.execute(text("UPDATE audit SET state = 'cancelled' WHERE id = :id"), {"id": number})
    return number


def _lost(dice: np.random.Generator) -> list[str]:
    digests = [sha256(dice.bytes(8)).hexdigest() for _ in range(LOST)]
    return [key for one in digests for key in (image_key(one), scene_key(one), explanation_key(one, "scores.npz"))]


def _forgetter(stage: Stage, audit: int) -> subprocess.Popen[bytes]:
    command, pipe = [sys.executable, "-m", "tests.chaos.forgetter", str(audit)], subprocess.PIPE
    environment = stage.environment | stage.bench.environment
    return subprocess.Popen(command, cwd="/", env=environment, stdin=pipe, stdout=pipe)


FAULTS = (Forgotten(),)
