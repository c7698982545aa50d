"""Resolves maintenance/modules.yml into the lock data from which go.mod and go.sum are rendered without Go.

`make modules` resolves, with Go and over the network, and prints which versions changed. With --check it only says whether
the lock data were made from the file as it is, which needs neither.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from maintenance.goproject import Failed, Go, Packages
from maintenance.modulelock import Lock, Program, resolve

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "maintenance" / "modules.yml"
VALUES = ROOT / "questions" / "derived.yml"
LOCKS = ROOT / "templates" / "_shared" / "gomod"


def main(arguments: list[str]) -> int:
    """Run the command; 1 where it fails."""
    parser = argparse.ArgumentParser(prog="python -m maintenance.modules", description="Resolve the Go modules of the services.")
    parser.add_argument("--check", action="store_true", help="only say whether the lock data were made from modules.yml")
    options = parser.parse_args(arguments)
    programs, go = read(SOURCE), pinned_go(VALUES)
    try:
        for name, program in programs.items():
            target = LOCKS / f"{name}.json"
            if options.check:
                check(program, go, target)
            else:
                update(program, go, target)
    except Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


def read(source: Path) -> dict[str, Program]:
    """The programs of a file like modules.yml."""
    return {
        name: Program({feature: _packages(kinds) for feature, kinds in program["features"].items()}, program["versions"])
        for name, program in yaml.safe_load(source.read_text(encoding="utf-8")).items()
    }


def pinned_go(values: Path) -> Go:
    """The Go that the templates pin, in this process's environment."""
    pinned = yaml.safe_load(values.read_text(encoding="utf-8"))
    return Go(pinned["go_version"]["default"], pinned["go_toolchain"]["default"], os.environ)


def check(program: Program, go: Go, target: Path) -> None:
    """Raises Failed unless the lock data in `target` were made from this program."""
    if not target.exists() or _load(target)["made_from"] != digest(program, go):
        raise Failed(f"{target.name} was not made from modules.yml as it is now: run `make modules`.")


def update(program: Program, go: Go, target: Path) -> None:
    """Resolve a program, write its lock data, and print which versions changed."""
    old = _versions(_load(target)) if target.exists() else {}
    lock = {"made_from": digest(program, go), **resolve(program, go)}
    new = _versions(lock)
    target.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            print(f"{target.name}: {path} {old.get(path, '(new)')} -> {new.get(path, '(gone)')}")


def digest(program: Program, go: Go) -> str:
    """Of everything that the lock data follow from."""
    followed = [go.version, go.toolchain, program.features, program.versions]
    return "sha256:" + hashlib.sha256(json.dumps(followed, sort_keys=True).encode()).hexdigest()


def _packages(kinds: dict[str, list[str]]) -> Packages:
    return Packages(**{kind: tuple(paths) for kind, paths in kinds.items()})


def _versions(lock: Lock) -> dict[str, str]:
    return dict(module["line"].split() for module in lock["modules"].values())


def _load(path: Path) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return lock


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
