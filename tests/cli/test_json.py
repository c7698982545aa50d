"""The JSON contract: one document on stdout, whatever happens, with the exit code that there is without --json."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
import yaml

from gopherforge.cli import app
from gopherforge.source import canonical_url, versions
from tests.cli.conftest import Ran

Forge = Callable[..., Ran]

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]

WRONG = {
    "new": [
        (["x y", "--defaults"], 2, "invalid-answer"),
        (["shop"], 2, "missing-answer"),
        (["shop", "--defaults", "--data", "nope"], 2, "usage"),
        (["shop", "--defaults", "--data", "nope=1"], 2, "invalid-answer"),
        (["shop", "--defaults", "--data-file", "absent.yml"], 2, "invalid-data-file"),
        (["shop", "--defaults", "--ref", "v99.0.0"], 2, "unknown-ref"),
        (["/dev/null/shop", "--defaults"], 1, "target-refused"),
    ],
    "options": [(["nope"], 2, "invalid-answer")],
    "update": [
        (["absent"], 1, "invalid-project"),
        (["service", "--to", "v99.0.0"], 2, "unknown-ref"),
        (["service", "--check", "--dry-run"], 2, "usage"),
        (["service", "--on-conflict", "ask"], 2, "usage"),
    ],
    "set": [
        (["database=none", "absent"], 1, "invalid-project"),
        (["service"], 2, "usage"),
        (["service", "name=other"], 2, "invalid-answer"),
    ],
    "status": [],  # takes any directories; what --check finds has data, too: test_status.py
    "verify": [(["absent"], 1, "invalid-project")],
    "doctor": [(["absent"], 1, "invalid-project")],
    "completion": [(["powershell"], 2, "usage")],
}
REVISION = {
    **dict.fromkeys(("path", "template", "from", "to"), str),
    "answers_changed": dict,
    **dict.fromkeys(("added", "changed", "deleted", "renamed", "conflicts", "kept", "left_out", "warnings"), list),
    **dict.fromkeys(("branch", "commit"), NoneType),
}
DATA = {
    "new": (
        ["shop", "--defaults", "--dry-run"],
        {"path": str, "template": str, "version": str, "answers": dict, "files": list, "committed": bool, "warning": str},
    ),
    "options": ([], {"questions": list}),
    "update": (["service"], REVISION),
    "set": (["database=none", "service"], REVISION),
    "status": (["service"], {"services": list}),
    "verify": (["service"], {"path": str, "steps": list, "warning": str}),
    "doctor": ([], {"tools": list}),
    "completion": (["bash"], {"shell": str, "script": str}),
}


def make_service(path: Path) -> None:
    """A service that needs nothing, as far as commands go."""
    path.mkdir()
    (path / "Makefile").write_text("ci: build\nbuild:\n")
    record = {
        "_commit": versions(os.environ)[-1],
        "_src_path": canonical_url(),
        "database": "none",
        "template": "go-http-service",
    }
    (path / ".copier-answers.yml").write_text(yaml.safe_dump(record))
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=made"]):
        subprocess.run(["git", *command], cwd=path, check=True)


def document(ran: Ran) -> Any:
    assert ran.stdout.endswith("}\n")
    return json.loads(ran.stdout)  # fails where anything follows the first document


def test_the_contract_is_tested_for_every_command() -> None:
    assert set(COMMANDS) == set(WRONG) == set(DATA)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_result_has_its_keys(forge: Forge, work: Path, command: str) -> None:
    make_service(work / "service")
    arguments, keys = DATA[command]
    ran = forge(command, *arguments, "--json")
    assert (ran.code, ran.stderr) == (0, "")
    result = document(ran)
    assert {key: result[key] for key in ("schema", "command", "status")} == {"schema": 1, "command": command, "status": "ok"}
    assert result.keys() == {"schema", "command", "status", "data"}
    assert {key: type(value) for key, value in result["data"].items()} == keys


@pytest.mark.parametrize(
    ("command", "arguments", "code", "name"),
    [
        (command, *case)
        for command in COMMANDS
        for case in [(["--no-such-option"], 2, "usage"), (["a", "b"], 2, "usage"), *WRONG[command]]
        if command != "status" or case[0] != ["a", "b"]
    ],
)
def test_a_failure_is_an_envelope_with_the_same_exit_code(
    forge: Forge, work: Path, *, command: str, arguments: list[str], code: int, name: str
) -> None:
    if "service" in arguments:
        make_service(work / "service")
    ran, plain = forge(command, "--json", *arguments), forge(command, *arguments)
    assert (ran.code, ran.stderr, plain.code, plain.stdout) == (code, "", code, "")
    failure = document(ran)
    assert failure.keys() == {"schema", "command", "status", "error"}
    assert {key: failure[key] for key in ("schema", "command", "status")} == {"schema": 1, "command": command, "status": "error"}
    assert failure["error"].keys() == {"code", "message", "hint"}
    assert failure["error"]["code"] == name
    assert failure["error"]["message"].endswith((".", "?", ")", "--no-such-option"))
    assert failure["error"]["hint"].endswith(".")
    assert len(plain.stderr.splitlines()) <= 4
    assert plain.stderr.startswith("error: ")


def test_an_unknown_command_is_an_envelope_without_a_command(forge: Forge) -> None:
    assert document(forge("nope", "--json"))["command"] == ""


def test_json_after_two_dashes_is_no_option(forge: Forge) -> None:
    ran = forge("new", "--defaults", "--", "--json")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith('error: "--json" is no name of a service')


def test_questions_for_people_fit_eighty_columns(forge: Forge) -> None:
    listed = forge("options")
    assert (listed.code, listed.stderr) == (0, "")
    assert max(map(len, listed.stdout.splitlines())) <= 80


def test_questions_are_sorted_and_complete(forge: Forge) -> None:
    questions = document(forge("options", "--json"))["data"]["questions"]
    assert [question["key"] for question in questions] == sorted(question["key"] for question in questions)
    for question in questions:
        assert {"key", "type", "choices", "default", "help", "when", "templates"} <= question.keys()
        assert question["choices"] == sorted(question["choices"])
        assert question["templates"]
    by_key = {question["key"]: question for question in questions}
    assert by_key["tracing"] == {
        "key": "tracing",
        "type": "bool",
        "choices": [False, True],
        "default": True,
        "help": "Trace with OpenTelemetry? Off at run time until an endpoint is set.",
        "when": "true",
        "templates": ["go-grpc-service", "go-http-service", "go-worker-pool"],
        "subject": "observability",
    }
    asked_by = {key: by_key[key]["templates"] for key in ("database", "gateway", "source")}
    assert asked_by == {
        "database": ["go-grpc-service", "go-http-service"],
        "gateway": ["go-grpc-service"],
        "source": ["go-worker-pool"],
    }
    assert "go_version" not in by_key
