"""`gopherforge new --verify`: what is told of a service that was made, whatever its checks say. Go here does nothing, at once."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, names

Forge = Callable[..., Ran]

GO = """\
#!/bin/sh
case "$*" in
  "env CC") echo sh ;;
  install*) mkdir -p "$GOBIN"; printf '#!/bin/sh\\n' > "$GOBIN/golangci-lint"; chmod +x "$GOBIN/golangci-lint" ;;
  vet*) {vet} ;;
esac
"""
BROKERS = {"nats": "TEST_NATS_URL", "kafka": "TEST_KAFKA_BROKERS", "rabbitmq": "TEST_RABBITMQ_URL", "redis": "TEST_REDIS_URL"}
"""Where the tests of a worker look for each of its possible brokers."""

NEW = ("new", "services/orders", "--defaults", "--no-git", "--verify")


@pytest.fixture
def go(work: Path, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Makes an environment in which Go does nothing but what is said."""
    (work / "services").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()

    def make(vet: str = "true") -> dict[str, str]:
        for name, text in {"go": GO.format(vet=vet), "gofmt": "#!/bin/sh\n"}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        return {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    return make


def steps_of(service: Path) -> list[str]:
    """The steps that a Makefile lists."""
    listed = re.search(r"^ci: (.*) ##", (service / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    return listed[1].split()


def timeless(text: str) -> str:
    return re.sub(r" +\d+\.\d s", " N s", text)


def test_a_service_is_made_and_then_checked(forge: Forge, go: Callable[..., dict[str, str]], work: Path) -> None:
    ran = forge(*NEW, env=go())
    steps = steps_of(work / "services/orders")

    assert ran.code == 0
    assert ran.stdout.startswith("Created services/orders with go-http-service v")
    summary = f"All {len(steps)} steps of CI passed in N s."
    assert timeless(ran.stdout).endswith(f"gopherforge new services/orders --defaults --no-git\n\n{summary}\n")
    rows = [f"  {step:<{max(map(len, steps))}}  passed N s" for step in steps]
    assert timeless(ran.stderr).splitlines() == ["Created services/orders, and now checks it:", *rows]


def test_a_failure_leaves_the_service_and_says_so(forge: Forge, go: Callable[..., dict[str, str]], work: Path) -> None:
    ran = forge(*NEW, env=go("echo no good; exit 1"))

    assert ran.code == 1
    assert ran.stdout.startswith("Created services/orders with go-http-service v")
    assert ran.stdout.endswith("gopherforge new services/orders --defaults --no-git\n")
    assert "\n    no good\n" in ran.stderr
    assert ran.stderr.splitlines()[-2:] == [
        f"error: services/orders was made, but 1 of {len(steps_of(work / 'services/orders'))} steps failed: vet.",
        "hint: the service stays; mend it, and run `gopherforge verify services/orders`.",
    ]
    assert (work / "services/orders/go.mod").is_file()


def test_json_is_one_document_with_both(forge: Forge, go: Callable[..., dict[str, str]], work: Path) -> None:
    green = forge(*NEW, "--json", env=go())
    shutil.rmtree(work / "services/orders")
    red = forge(*NEW, "--json", env=go("exit 1"))

    assert (green.code, green.stderr, red.code, red.stderr) == (0, "", 1, "")
    result, failure = json.loads(green.stdout), json.loads(red.stdout)
    assert (result["command"], result["status"], failure["status"]) == ("new", "ok", "error")
    assert failure["error"]["code"] == "checks-failed"
    for document in (result, failure):
        assert document["data"].keys() == {
            *("path", "template", "version", "answers", "files", "committed", "warning"),
            "steps",
        }
        assert document["data"]["path"] == str(work / "services/orders")
        assert [step["name"] for step in document["data"]["steps"]] == steps_of(work / "services/orders")
    assert {step["name"] for step in failure["data"]["steps"] if step["status"] == "failed"} == {"vet"}


@pytest.mark.parametrize(
    ("answers", "variable"),
    [
        (["database=postgres"], "TEST_DATABASE_URL"),
        *((["template=go-worker-pool", f"source={source}"], variable) for source, variable in BROKERS.items()),
    ],
)
def test_what_the_author_must_know_is_told_before_the_checks(
    forge: Forge, go: Callable[..., dict[str, str]], work: Path, answers: list[str], variable: str
) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=work, check=True)
    data = [word for answer in answers for word in ("--data", answer)]
    ran = forge("new", "orders", "--defaults", "--verify", *data, env=go() | {"CI": "", variable: ""})

    assert ran.code == 0
    first, second, *_ = ran.stderr.splitlines()
    assert first.startswith(f"warning: {work}/orders is part of the git work tree {work}")
    assert second == "Created orders, and now checks it:"
    assert f"warning: {variable} is not set" in ran.stderr


def test_missing_programs_are_told_before_anything_is_made(forge: Forge, work: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git") or "")

    ran = forge("new", "orders", "--defaults", "--verify", env={"PATH": str(tmp_path / "bin")})

    assert (ran.code, ran.stdout) == (5, "")
    assert ran.stderr.startswith("error: make, go and C compiler are required and were not found.\nhint: ")
    assert names(work) == []


def test_a_dry_run_has_nothing_to_check(forge: Forge, work: Path) -> None:
    ran = forge("new", "orders", "--defaults", "--verify", "--dry-run")

    assert ran == Ran(2, "", "error: --dry-run makes nothing that --verify could check.\nhint: leave out one of them.\n")
    assert names(work) == []


def test_an_interruption_leaves_the_service_and_says_so(go: Callable[..., dict[str, str]], work: Path) -> None:
    started = work / "started"
    os.mkfifo(started)
    env = {**os.environ, **go(f"echo started > {started}; while :; do read line < {started}; done")}
    with subprocess.Popen(
        [sys.executable, "-m", "gopherforge", *NEW], cwd=work, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        started.read_text()
        running.send_signal(signal.SIGINT)
        try:
            stdout, stderr = running.communicate(timeout=60)
        finally:
            running.kill()

    assert running.returncode == 130
    assert stdout.startswith("Created services/orders with")
    assert "\nerror: services/orders was made, but the checks were interrupted in vet, after " in stderr
    assert "tidy-check and fmt-check had passed.\n" in stderr
    assert (work / "services/orders/go.mod").is_file()
