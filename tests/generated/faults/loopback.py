"""Addresses of this machine that nobody else uses, so that what has ended there can be started there again."""

import os
from itertools import count

_numbers = count()


def own_address() -> str:
    """A loopback address that no other process of these tests has."""
    process = os.getpid()
    return f"127.{64 + process // 256 % 128}.{process % 256}.{1 + next(_numbers) % 254}"
