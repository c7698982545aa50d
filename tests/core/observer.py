"""Runs a command and reports, as JSON, whether it changed anything in a directory: observer.py DIRECTORY REPORT COMMAND…"""

import json
import os
import subprocess
import sys
from pathlib import Path


def snapshot(directory: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a directory: what it is, its permissions, when it last changed, and its content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [directory, *directory.rglob("*")]:
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(directory))] = (status.st_mode, status.st_mtime_ns, content)
    return found


def changes(before: dict[str, tuple[object, ...]], after: dict[str, tuple[object, ...]]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def main() -> None:
    directory, report, *command = sys.argv[1:]
    before = snapshot(Path(directory))
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    seen = {
        "changed": changes(before, snapshot(Path(directory))),
        "status": done.returncode,
        "output": done.stdout,
        "variables": sorted(name for name in os.environ if name.startswith("GIT_")),
    }
    Path(report).write_text(json.dumps(seen), encoding="utf-8")


if __name__ == "__main__":
    main()
