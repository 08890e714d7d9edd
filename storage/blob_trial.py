"""A trial of a blob store: whether it takes, gives back and has room."""

import os
from socket import gethostname

from storage.blob_errors import BlobMissing, BlobsUnavailable
from storage.blobs import clear, open_blobs

TRIAL_BYTES = 16 * 2**20  # several times the blobs of one explanation: who finds so much room gets somewhere


def try_out(location: str, needed: str | None = None) -> None:
    """Look for a key that must be there, and put, get and delete so much that explanations would find room too.

    The bytes are under one key for each process. Who may not delete leaves an empty blob there, for `polelens gc`.

    Raises
    ------
    BlobsUnavailable
        If the store does not answer, refuses, loses bytes, or lacks that key, as a folder does that is not mounted.
    BlobsFull
        If it has no room.
    """
    store, key, data = open_blobs(location, attempts=1), f"trial/{gethostname()}-{os.getpid()}", os.urandom(TRIAL_BYTES)
    if needed and not store.exists(needed):
        raise BlobsUnavailable(f"the blob store {location} has lost {needed}: see that it is mounted")
    store.put(key, data)
    try:
        whole = store.get(key) == data
    except BlobMissing:
        whole = False
    finally:
        clear(store, key)
    if not whole:
        raise BlobsUnavailable(f"the blob store {location} does not give back what was put: see what it lacks")
