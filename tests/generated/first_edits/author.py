"""What an author does to a service: writes files, changes lines, runs commands."""

from pathlib import Path

from tests.gotools import environment
from tests.support import Outcome, run


class Author:
    """Works on one service."""

    def __init__(self, service: Path) -> None:
        self._service = service

    def write(self, path: str, text: str) -> None:
        """Writes a new file, or fills an empty one."""
        file = self._service / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def change(self, path: str, old: str, new: str, *, times: int = 1) -> None:
        """Changes a text, which is there as many times as said."""
        file = self._service / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == times, f"{path} has {text.count(old)} times, not {times} times: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *command: str, **variables: str) -> Outcome:
        """Runs a command in the service."""
        return run(command, cwd=self._service, env=environment() | variables)

    def succeed(self, *command: str) -> str:
        """Runs a command that must succeed. Returns what it says."""
        done = self.run(*command)
        assert done.status == 0, done
        return done.output.strip()
