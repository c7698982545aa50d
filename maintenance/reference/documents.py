"""The page of JSON documents, from what the program prints."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
import yaml

from gopherforge.cli import app
from gopherforge.report import SCHEMA
from maintenance.reference.markdown import check_complete, code, page, table

MEANINGS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("documents.yml").read_text(encoding="utf-8"))

TYPES = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", dict: "object", type(None): "null"}

ENVELOPE = [
    (
        "`schema`",
        "number",
        f"the version of this format, {SCHEMA}: it changes when a key is changed or removed, not when one is added",
    ),
    ("`command`", "text", "the command; empty where none was recognised"),
    ("`status`", "text", "`ok` or `error`"),
    ("`data`", "object", "with `ok`: the result, below; with `error`: what was found out all the same, if anything"),
    (
        "`error`",
        "object",
        "with `error`: `code`, one of the [error codes](exit-codes.md#error-codes); `message`; `hint`, what to do",
    ),
]


def write() -> str:
    """The envelope, and the data of every command, none left out."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    speaking = [name for name, command in commands.items() if any("--json" in parameter.opts for parameter in command.params)]
    check_complete("documents.yml", speaking, MEANINGS)
    return page(
        "JSON documents",
        "This page lists what a command with `--json` prints: one JSON document on standard output, also when it fails.",
        "Exit codes are the same with and without `--json`. Lists are sorted unless their order means something.",
        table(["key", "type", "meaning"], ENVELOPE),
        *(_section(name, MEANINGS[name]) for name in speaking),
    )


def _section(command: str, described: Mapping[str, Any]) -> str:
    meanings: dict[str, str] = described["data"]
    types: dict[str, list[str]] = {}
    for key, value in _flat(
        _data([*described.get("before", []), [command, *described["call"]]], described.get("files", {})), meanings
    ):
        names = types.setdefault(key, [])
        names += [] if TYPES[type(value)] in names else [TYPES[type(value)]]
    check_complete(f"documents.yml, {command},", types, meanings)
    rows = [(code(key), " or ".join(types[key]), meaning) for key, meaning in meanings.items()]
    parts = [f"## {command}", table(["key of `data`", "type", "meaning"], rows), described.get("note", "")]
    return "\n\n".join(filter(None, parts))


def _data(calls: list[list[str]], files: Mapping[str, str]) -> dict[str, Any]:
    """The data of the last of these real calls, in a directory with these files."""
    identity = {f"GIT_{role}_{what}": "reference" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    with tempfile.TemporaryDirectory() as place:
        for name, text in files.items():
            Path(place, name).write_text(text, encoding="utf-8")
        for call in calls:
            program = [sys.executable, "-m", "gopherforge", *call, "--json"]
            done = subprocess.run(program, cwd=place, env=os.environ | identity, stdout=subprocess.PIPE, check=True)
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


def _flat(data: Mapping[str, Any], meanings: Mapping[str, str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its value; of elements of a list, where they are described."""
    for key, value in data.items():
        yield prefix + key, value
        if isinstance(value, list) and any(known.startswith(f"{prefix}{key}[]") for known in meanings):
            for element in value:
                yield from _flat(element, meanings, f"{prefix}{key}[].")
