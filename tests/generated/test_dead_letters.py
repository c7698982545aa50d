"""The commands of the README that have a dead letter of NATS done again, typed as they stand: what is not sent is not removed."""

import base64
import json
import os
import re
from pathlib import Path

import pytest

from tests.rendering import render_variant
from tests.support import Outcome, Shared, program, run
from tests.variants import IDENTITY, one_with_each

BODIES = {
    "line": b'{"text": "one"}',
    "lines": b'{\n  "text": "one"\n}\n',
    "nothing": b"",
    "null": b"null",
    "binary": bytes(range(256)),
}

NATS = """\
#!/bin/sh
echo "$*" >>commands
case $2 in get) cat stored; exit "$GET" ;; esac
"""
"""In place of the NATS command line: it prints what `stored` has and ends as `GET` says."""

GO = """\
#!/bin/sh
echo "go $*" >>commands
cat >sent
exit "$SEND"
"""
"""In place of the worker that sends: it keeps what it reads and ends as `SEND` says."""

LETTERS = f"{IDENTITY['name']}-dead"

GET = f"stream get {LETTERS} 1 --json"
SEND = "go run ./cmd/worker produce --whole"
REMOVE = f"stream rmm {LETTERS} 1 --force"


@pytest.fixture
def recipe(shared: Shared) -> str:
    readme = render_variant(shared, one_with_each("go-worker-pool", "source")["nats"]).texts["README.md"]
    _, _, section = readme.partition("\n## Dead letters\n")
    _, sending_back = re.findall(r"(?ms)^```sh\n(.*?)^```", section.partition("\n## ")[0])
    return str(sending_back)


def typed(recipe: str, stored: str, place: Path, **ends: str) -> Outcome:
    program("jq")
    for name, text in {"nats": NATS, "go": GO}.items():
        (place / name).write_text(text, encoding="utf-8")
        (place / name).chmod(0o755)
    (place / "stored").write_text(stored, encoding="utf-8")
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    return run(["sh", "-c", recipe], cwd=place, env={"PATH": path, "GET": "0", "SEND": "0", **ends})


def asked(place: Path) -> list[str]:
    return (place / "commands").read_text(encoding="utf-8").splitlines()


def message(body: bytes) -> str:
    """As the NATS command line prints it: without data if there is none."""
    data = {"data": base64.b64encode(body).decode()} if body else {}
    return json.dumps({"subject": LETTERS, "seq": 1, **data, "time": "2026-11-22T12:00:00Z"})


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_dead_letter_is_sent_as_it_is_and_removed(body: bytes, recipe: str, tmp_path: Path) -> None:
    assert typed(recipe, message(body), tmp_path).status == 0
    assert asked(tmp_path) == [GET, SEND, REMOVE]
    assert (tmp_path / "sent").read_bytes() == body
    assert not list(tmp_path.glob("letter*"))


@pytest.mark.parametrize("stored", ["", message(b"one")])
def test_dead_letter_that_is_not_found_is_not_sent(stored: str, recipe: str, tmp_path: Path) -> None:
    assert typed(recipe, stored, tmp_path, GET="1").status != 0
    assert asked(tmp_path) == [GET]


@pytest.mark.parametrize("stored", ["not JSON", '{"data": "not base64!"}'])
def test_dead_letter_that_is_not_understood_is_not_sent(stored: str, recipe: str, tmp_path: Path) -> None:
    assert typed(recipe, stored, tmp_path).status != 0
    assert asked(tmp_path) == [GET]


def test_dead_letter_that_is_not_sent_is_not_removed(recipe: str, tmp_path: Path) -> None:
    assert typed(recipe, message(b"one"), tmp_path, SEND="1").status != 0
    assert asked(tmp_path) == [GET, SEND]
