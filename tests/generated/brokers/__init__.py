"""The brokers that workers take their jobs from, each started, stopped, broken and looked into in the same way."""

from contextlib import AbstractContextManager
from typing import Protocol


class Server(Protocol):
    """A broker of our own. Its messages outlive its end; an independent client looks into it."""

    url: str

    def start(self) -> None:
        """Starts the server again, at the same address and with the same messages, and waits until it answers."""

    def stop(self) -> None:
        """Stops the server in an orderly way."""

    def kill(self) -> None:
        """Ends the server as a crash would."""

    def frozen(self) -> AbstractContextManager[None]:
        """Within, the server does nothing, and no connection is closed."""

    def dead_letters(self, name: str) -> list[bytes]:
        """The bodies of the buried messages."""

    def left(self, name: str) -> int:
        """How many messages are not settled: waiting, delivered, or waiting for a retry."""
