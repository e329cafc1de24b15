"""Waiting for a fact, with a limit."""

import time


def until(fact, timeout=20, interval=0.05, what=None):
    """Calls `fact` until it gives something true, which it returns; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = fact()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s: {what or fact}"
        time.sleep(interval)
