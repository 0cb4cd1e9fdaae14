"""Waiting for another process: until it is so, never for a time."""

import time
from collections.abc import Callable

from tests.acceptance.house import PATIENCE_S


def eventually(found: Callable[[], object]) -> object:
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < deadline, "it never came true"
    return value
