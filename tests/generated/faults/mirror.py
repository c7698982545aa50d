"""A copy of all users that a client keeps by a watch: it lists them when the watch has begun, and anew when that has ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc

from tests.generated.calls import Calls, Message, as_json, connected
from tests.generated.service import PATIENCE, eventually

PAUSE = 0.1
"""Between two attempts to watch."""

DELETED = "KIND_DELETED"

Users = dict[str, Message]


class Mirror:
    """What a client knows of the users, and how its watches ended."""

    def __init__(self, client: Calls) -> None:
        self.users: Users = {}
        self.ends: list[tuple[str, str]] = []
        self._client = client
        self._stopping = Event()
        self._complete = Event()
        self._watch: Any = None
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def wait_until_complete(self) -> None:
        """Waits until a watch has begun, and the users were listed."""
        assert self._complete.wait(PATIENCE)

    def wait_until_it_knows(self, user: str) -> None:
        """Waits until the mirror knows of a user."""
        eventually(lambda: user in self.users)

    def stop(self) -> None:
        """Ends the watch."""
        self._stopping.set()
        self._watch.cancel()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            self._watch = self._client.begin("WatchUsers", within=10 * PATIENCE)
            if self._watch.initial_metadata() is not None and (users := everybody(self._client)) is not None:
                self.users = users
                self._complete.set()
                end = self._apply()
                if not self._stopping.is_set():
                    self.ends.append(end)
                self._complete.clear()
            self._watch.cancel()
            self._stopping.wait(PAUSE)

    def _apply(self) -> tuple[str, str]:
        """Applies changes until the watch ends. Returns how."""
        try:
            for message in self._watch:
                change = as_json(message)
                user = change["user"]
                if change["kind"] == DELETED:
                    self.users.pop(user["id"], None)
                elif user["version"] > self.users.get(user["id"], {"version": 0})["version"]:
                    self.users[user["id"]] = user
        except grpc.RpcError:
            return self._watch.code().name, self._watch.details()
        raise AssertionError("a watch ended without an error")


def everybody(client: Calls) -> Users | None:
    """All users, or none where they cannot be listed."""
    users: Users = {}
    token = ""
    while True:
        page = client.ask("ListUsers", {"page_size": 100, "page_token": token})
        if page.code != "OK":
            return None
        users |= {user["id"]: user for user in page.body.get("users", [])}
        token = page.body.get("next_page_token", "")
        if not token:
            return users


@contextmanager
def mirroring(project: Path, address: str, *, mirrors: int) -> Iterator[list[Mirror]]:
    """Clients that each keep a complete copy, within the context."""
    with connected(project, address) as client:
        kept = [Mirror(client) for _ in range(mirrors)]
        try:
            for mirror in kept:
                mirror.wait_until_complete()
            yield kept
        finally:
            for mirror in kept:
                mirror.stop()
