"""The local stack: `up`, `down`, `status`, and the `doctor` that looks at any stack, local or not."""

from polelens.stack.doctor import doctor
from polelens.stack.finding import Finding
from polelens.stack.processes import StackError
from polelens.stack.stack import ServiceStatus, Stack, down, find, is_down, status, up

__all__ = ["Finding", "ServiceStatus", "Stack", "StackError", "doctor", "down", "find", "is_down", "status", "up"]
