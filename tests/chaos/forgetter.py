"""Delete an audit and remove all garbage, without any grace: `python -m tests.chaos.forgetter AUDIT`."""

import sys
from contextlib import suppress

from storage.blobs import open_blobs
from storage.database import connect
from storage.forget.audits import AuditRemoval
from storage.forget.garbage import Garbage
from storage.forget.trail import act
from storage.settings import settings

if __name__ == "__main__":
    here = settings()
    engine, blobs = connect(here.database_url), open_blobs(here.blobs)
    print("ready", flush=True)
    sys.stdin.readline()
    with suppress(ValueError):  # another was first
        AuditRemoval(engine, blobs, int(sys.argv[1])).carry_out(act("audit delete"))
    garbage = Garbage(engine, blobs, act("gc"), grace_seconds=0)
    garbage.rows()
    garbage.sweep()
