"""As much of a Gitea as Renovate asks for: repositories in a directory, and what it does beside git recorded."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.core.history import git

OWNER = "acme"

_USER = {"id": 1, "login": "renovate", "email": "renovate@example.com"}
_TIME = "2026-11-22T00:00:00Z"


class Forge(ThreadingHTTPServer):
    """It listens on the loopback address. Its git is that of the file system."""

    def __init__(self, repositories: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.posted: list[tuple[str, str, dict[str, Any]]] = []
        """What was made, in order: repository, kind (`pulls`, `statuses`, `comments`) and the request."""
        self.unknown: list[str] = []
        """What was asked for and is not here."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def add(self, name: str, service: Path) -> None:
        """Take in a repository."""
        git(self.repositories, "clone", "--quiet", "--bare", str(service), f"{name}.git")

    def made(self, name: str, kind: str) -> list[dict[str, Any]]:
        return [request for repository, what, request in self.posted if (repository, what) == (name, kind)]


@contextmanager
def running(repositories: Path) -> Iterator[Forge]:
    with Forge(repositories) as forge:
        thread = threading.Thread(target=forge.serve_forever)
        thread.start()
        try:
            yield forge
        finally:
            forge.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def do_GET(self) -> None:
        match self.path.partition("?")[0].removeprefix("/api/v1/").split("/"):
            case ["user"]:
                self._answer(_USER)
            case ["version"]:
                self._answer({"version": "1.26.0"})
            case ["repos", owner, name]:
                self._answer(self._repository(owner, name))
            case ["repos", _, name, "contents", path]:
                content = git(self.server.repositories / f"{name}.git", "show", f"main:{path}")
                self._answer({"type": "file", "name": path, "path": path, "content": b64encode(content.encode()).decode()})
            case ["repos", _, _, "issues" | "labels" | "pulls"] | ["repos", _, _, "issues", _, "comments"]:
                self._answer([])
            case ["repos", _, _, "commits", _, "statuses"]:
                self._answer([])
            case ["orgs", _]:
                self._answer({"message": "not found"}, 404)
            case _:
                self._unknown()

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.path.removeprefix("/api/v1/").split("/"):
            case ["repos", _, name, "pulls"]:
                self._answer(self._pull_request(name, request), 201)
            case ["repos", _, name, "statuses", _]:
                self._answer(
                    {"id": self._record(name, "statuses", request), "status": request["state"], "created_at": _TIME, **request},
                    201,
                )
            case ["repos", _, name, "issues", _, "comments"]:
                self._answer({"id": self._record(name, "comments", request), **request}, 201)
            case _:
                self._unknown()

    def _repository(self, owner: str, name: str) -> dict[str, object]:
        return {
            "id": 1,
            "full_name": f"{owner}/{name}",
            "owner": {"id": 2, "login": owner},
            "clone_url": (self.server.repositories / f"{name}.git").as_uri(),
            "default_branch": "main",
            "allow_merge_commits": True,
            "permissions": {"admin": False, "pull": True, "push": True},
        }

    def _pull_request(self, name: str, request: dict[str, Any]) -> dict[str, object]:
        head = request["head"]
        return {
            **request,
            "number": self._record(name, "pulls", request),
            "state": "open",
            "mergeable": True,
            "created_at": _TIME,
            "updated_at": _TIME,
            "base": {"ref": request["base"]},
            "head": {
                "label": head,
                "sha": git(self.server.repositories / f"{name}.git", "rev-parse", head),
                "repo": {"full_name": f"{OWNER}/{name}"},
            },
            "user": _USER,
            "labels": [],
        }

    def _record(self, name: str, kind: str, request: dict[str, Any]) -> int:
        """Write down what was made. Returns its number."""
        self.server.posted.append((name, kind, request))
        return len(self.server.posted)

    def _unknown(self) -> None:
        self.server.unknown.append(f"{self.command} {self.path}")
        self._answer({"message": "not here"}, 404)

    def _answer(self, document: object, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests print nothing."""
