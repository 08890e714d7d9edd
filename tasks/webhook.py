"""The webhook: a signed message to the one address in the settings."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import urllib3

TIMEOUT = urllib3.Timeout(connect=5, read=10)


def post(url: str, secret: str, message: Mapping[str, Any]) -> int:
    """Post a message as JSON; the receiver's HTTP status. Follows no redirect and uses no proxy.

    Raises
    ------
    urllib3.exceptions.HTTPError
        If nobody answers in time, or not as HTTP.
    """
    body, timestamp = json.dumps(message).encode(), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "polelens",
        "Polelens-Timestamp": timestamp,
        "Polelens-Signature": signature(secret, timestamp, body),
    }
    with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as http:
        answer = http.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        answer.close()  # what it says is of no interest
        return answer.status


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of timestamp, a full stop and body: who knows the secret sent exactly this at that time."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
