"""The commands of a gRPC service's README and of its how-to page, typed as they stand there, against the built service."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.shell import Shell, shell
from tests.generated.calls import active
from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually
from tests.gotools import environment
from tests.rendering import render_variant
from tests.source import ROOT
from tests.support import Outcome, Shared, program
from tests.variants import one_with_each

pytestmark = pytest.mark.go

VARIANT = one_with_each("go-grpc-service", "gateway")[True]

PAGE = ROOT / "docs/how-to/serve-grpc.md"

SCHEMA = "--schema proto "
"""What a service that knows reflection makes superfluous."""

WITHOUT_REFLECTION = "failed to find service named"

IDENTITY = "--cert client.crt --key client.key "

REFUSED = "tls: certificate required"
"""What buf says without that; now and then only that the connection broke, where it was still writing."""

WATCHED = "watched"
"""The file that holds what a watch has printed."""


@pytest.fixture
def subject(shared: Shared, database: str) -> Subject:
    made = Subject(Project(render_variant(shared, VARIANT), shared), {"DATABASE_URL": database})
    if made.project.has_database:
        assert made.run("migrate").status == 0
    return made


@pytest.fixture
def service(subject: Subject) -> Iterator[Service]:
    with subject.running() as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def author(subject: Subject, tmp_path: Path) -> Iterator[Shell]:
    """Someone in a directory of the service, with buf and a quiet curl."""
    program("buf")
    home, directory = tmp_path / "home", tmp_path / "user-service"
    home.mkdir()
    (home / ".curlrc").write_text("silent\nshow-error\n", encoding="utf-8")
    shutil.copytree(subject.project.path, directory)
    with shell(directory, environment() | {"HOME": str(home)}) as started:
        yield started


def test_the_calls_of_the_readme(author: Shell, service: Service, subject: Subject) -> None:
    first, then, by_rest, *_ = following("In another terminal,", readme(subject))
    define, create, list_users, watch = lines(first)
    choose, get, update, delete = lines(then)
    passes(author, define, service)

    created = user(passes(author, create, service))
    assert [one["id"] for one in printed(passes(author, list_users, service))["users"]] == [created["id"]]
    begin_watch(author, watch, service)

    passes(author, choose.replace("…", created["id"]), service)
    assert user(passes(author, get, service)) == created
    assert (user(passes(author, update, service))["name"], created["name"]) == ("Ada King", "Ada Lovelace")
    assert first_change(author) == ("KIND_UPDATED", created["id"])
    assert printed(passes(author, delete, service)) == {}
    assert '"not_found"' in fails(author, get, service)

    post, get_all = lines(by_rest)
    head, _, body = passes(author, post, service).output.partition("\n\n")
    assert head.startswith("HTTP/1.1 201 Created\n")
    assert json.loads(body) in printed(passes(author, get_all, service))["users"]


def test_the_calls_of_the_page(author: Shell, service: Service) -> None:
    create, watch = lines(blocks(PAGE)[1])
    begin_watch(author, watch, service)

    created = user(passes(author, create, service))

    assert first_change(author) == ("KIND_CREATED", created["id"])


@pytest.mark.parametrize("reflection", ["true", "false"])
def test_reflection_tells_what_the_messages_look_like(reflection: str, author: Shell, subject: Subject) -> None:
    create, _ = lines(blocks(PAGE)[1])
    (health,) = lines(blocks(PAGE)[2])
    assert SCHEMA in create
    assert "`GRPC_REFLECTION=true`" in PAGE.read_text(encoding="utf-8")

    with subject.running(GRPC_REFLECTION=reflection) as service:
        service.wait_until_ready()
        passes(author, create.replace("ada@", "grace@"), service)
        if reflection == "true":
            eventually(lambda: printed(passes(author, health, service)) == {"status": "SERVING"})
            assert user(passes(author, create.replace(SCHEMA, ""), service))["name"] == "Ada Lovelace"
        else:
            assert WITHOUT_REFLECTION in fails(author, health, service)
            assert WITHOUT_REFLECTION in fails(author, create.replace(SCHEMA, ""), service)


def test_the_trial_of_tls(author: Shell, subject: Subject) -> None:
    make_certificates, start, list_users = blocks(PAGE)[3:]
    program("openssl")
    made = author.run(make_certificates)
    assert made.status == 0, made
    directory = Path(author.run("pwd").output.strip())
    *settings, make, run = shlex.split(start)
    assert (make, run) == ("make", "run")
    files = {name: str(directory / file) for name, _, file in (setting.partition("=") for setting in settings)}

    with subject.running(**files) as service:
        service.wait_until_ready()
        (call,) = lines(list_users)
        assert printed(passes(author, call, service)) == {}
        assert IDENTITY in call
        without = call.replace(IDENTITY, "")
        eventually(lambda: REFUSED in fails(author, without, service))

        (define,) = lines(following("With a client certificate,", readme(subject))[0])
        passes(author, define, service)
        assert printed(passes(author, "call ListUsers '{}'", service)) == {}


def readme(subject: Subject) -> Path:
    return subject.project.path / "README.md"


def blocks(page: Path) -> list[str]:
    """The commands that a page shows, block by block."""
    return _blocks(page.read_text(encoding="utf-8"))


def following(words: str, page: Path) -> list[str]:
    """Those after a sentence that begins with these words."""
    _, found, rest = page.read_text(encoding="utf-8").partition(f"\n{words}")
    assert found
    return _blocks(rest)


def _blocks(text: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def lines(block: str) -> list[str]:
    """The commands of a block, each in a line of its own."""
    return [line for line in re.sub(r"\\\n\s*", "", block).splitlines() if line]


def passes(author: Shell, command: str, service: Service) -> Outcome:
    """Runs a command, with the ports of this service."""
    done = _run(author, command, service)
    assert done.status == 0, done
    return done


def fails(author: Shell, command: str, service: Service) -> str:
    """What a command prints that must not succeed."""
    done = _run(author, command, service)
    assert done.status != 0, done
    return done.output


def _run(author: Shell, command: str, service: Service) -> Outcome:
    for port, address in (("50051", service.grpc), ("8080", service.public)):
        command = command.replace(f"localhost:{port}", f"localhost:{address.rpartition(':')[2]}")
    return author.run(command)


def begin_watch(author: Shell, command: str, service: Service) -> None:
    """Runs a command in the background until it watches."""
    passes(author, f"{{ {command}\n}} >{WATCHED} 2>&1 &", service)
    eventually(lambda: active(service, "server_stream") == 1)


def first_change(author: Shell) -> tuple[str, str]:
    """The kind of the first change that was watched, and the user's id."""
    eventually(lambda: author.run(f"grep --quiet '^}}$' {WATCHED}").status == 0)
    change, _ = json.JSONDecoder().raw_decode(author.run(f"cat {WATCHED}").output)
    return change["kind"], change["user"]["id"]


def user(outcome: Outcome) -> dict[str, Any]:
    """The user that a call has printed."""
    found: dict[str, Any] = printed(outcome)["user"]
    return found


def printed(outcome: Outcome) -> Any:
    return json.loads(outcome.output)
