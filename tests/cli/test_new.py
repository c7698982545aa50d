"""`gopherforge new` without a terminal: what it makes, what it tells, and what it refuses before anything is made."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Ran, names
from tests.source import CATALOG

Forge = Callable[..., Ran]

LIST_HINT = "`gopherforge options` lists every question and its answers."
NAME_RULE = "A name has 2 to 40 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."


BROKERS = [value for value in CATALOG["source"].values if value != "none"]


def data(*answers: str) -> list[str]:
    """Answers as they are given on the command line."""
    return [word for answer in answers for word in ("--data", answer)]


def tree(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's content and permissions."""
    files = (path for path in directory.rglob("*") if path.is_file() and ".git" not in path.relative_to(directory).parts)
    return {path.relative_to(directory).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777) for path in files}


def recorded(directory: Path) -> dict[str, object]:
    """The answers that a service remembers."""
    parsed = yaml.safe_load((directory / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {key: value for key, value in parsed.items() if not key.startswith("_")}


def pasted(text: str, heading: str) -> list[str]:
    """The commands below a heading of what was told."""
    below = text.partition(f"\n{heading}\n")[2].partition("\n\n")[0]
    return [line.strip() for line in below.splitlines()]


def by_shell(command: str, cwd: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command as if it were pasted into a shell."""
    programs.mkdir(exist_ok=True)
    program = programs / "gopherforge"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gopherforge "$@"\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-ec", command], cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("answers", "start"),
    [
        (["database=postgres"], "make database-up run"),
        (["template=go-grpc-service"], "make run"),
        (["template=go-grpc-service", "database=postgres"], "make database-up run"),
        (["template=go-worker-pool"], "make run"),
        *((["template=go-worker-pool", f"source={source}"], "make broker-up run") for source in BROKERS),
    ],
)
def test_a_service_is_started_with_what_it_needs(installed: Forge, answers: list[str], start: str) -> None:
    made = installed("new", "user-service", "--defaults", "--no-git", *data(*answers))
    assert made.code == 0, made.stderr
    assert pasted(made.stdout, "Next:") == ["cd user-service", start]


def test_the_defaults_need_only_a_directory(installed: Forge, work: Path) -> None:
    made = installed("new", "user-service", "--defaults")
    assert (made.code, made.stderr) == (0, "")
    first, *_ = made.stdout.splitlines()
    assert first.startswith("Created user-service with go-http-service v")
    assert pasted(made.stdout, "Next:") == ["cd user-service", "make run"]
    assert pasted(made.stdout, "The same without questions:") == ["gopherforge new user-service --defaults"]
    answers = recorded(work / "user-service")
    assert (answers["name"], answers["module"]) == ("user-service", "example.com/user-service")
    log = subprocess.run(
        ["git", "log", "--format=%an", "-1"], cwd=work / "user-service", capture_output=True, text=True, check=True
    )
    assert log.stdout == "Ada Lovelace\n"


def test_json_tells_what_was_made(installed: Forge, work: Path) -> None:
    made = installed("new", "shop", "--json", "--no-git", "--data", "module=github.com/acme/shop", "-d", "tracing=no")
    assert (made.code, made.stderr) == (0, "")
    data = json.loads(made.stdout)["data"]
    assert (data["path"], data["template"], data["committed"]) == (str(work / "shop"), "go-http-service", False)
    assert data["answers"] == recorded(work / "shop")
    assert data["answers"]["module"] == "github.com/acme/shop"
    assert data["answers"]["tracing"] is False
    assert data["files"] == sorted(tree(work / "shop"))


@pytest.mark.parametrize(
    "special",
    [["database=postgres"], ["template=go-worker-pool", "source=redis"], ["template=go-grpc-service", "gateway=true"]],
    ids=str,
)
def test_the_printed_command_makes_the_same_again(installed: Forge, work: Path, tmp_path: Path, special: list[str]) -> None:
    described = 'It\'s "quoted" & $HOME `id` \\ [[ name ]] # no; comment'
    arguments = data(f"description={described}", "license=MIT", *special, "tracing=false", "ci=github")
    (work / "sub dir").mkdir()
    made = installed("new", "sub dir/user-service", "--no-git", "--defaults", "--data", "name=accounts", *arguments)
    assert made.code == 0, made.stderr
    [command] = pasted(made.stdout, "The same without questions:")
    assert shlex.split(command)[:4] == ["gopherforge", "new", "sub dir/user-service", "--defaults"]
    assert "ci=" not in command
    assert all(answer in command for answer in special)
    assert command.endswith(" --no-git")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "sub dir").mkdir(parents=True)
    again = by_shell(command, elsewhere, tmp_path / "bin")
    assert again.returncode == 0, again.stderr
    assert tree(elsewhere / "sub dir/user-service") == tree(work / "sub dir/user-service")
    assert recorded(work / "sub dir/user-service")["description"] == described


@pytest.mark.parametrize("directory", ["it's here", "-dash", "$(touch made)", "ünï"])
def test_the_next_steps_work_when_pasted(installed: Forge, work: Path, tmp_path: Path, directory: str) -> None:
    made = installed("new", "--no-git", "--defaults", "--data", "name=user-service", "--", directory)
    assert made.code == 0, made.stderr
    enter, run = pasted(made.stdout, "Next:")
    assert by_shell(f"{enter}\npwd", work, tmp_path / "bin").stdout == f"{work / directory}\n"
    assert run == "make run"
    assert names(work) == [directory]


def test_the_current_directory_can_be_filled(installed: Forge, work: Path) -> None:
    here = work / "user-service"
    here.mkdir()
    made = installed("new", ".", "--defaults", "--no-git", cwd=here)
    assert made.code == 0, made.stderr
    assert made.stdout.startswith("Created . with")
    assert pasted(made.stdout, "Next:") == ["make run"]
    assert recorded(here)["name"] == "user-service"


def test_without_a_directory_the_name_is_one(installed: Forge, work: Path) -> None:
    made = installed("new", "--no-git", "--data", "name=shop", "--data", "module=example.com/shop")
    assert made.code == 0, made.stderr
    assert names(work) == ["shop"]


def test_a_directory_elsewhere_is_told_by_its_whole_path(installed: Forge, work: Path, tmp_path: Path) -> None:
    made = installed("new", f"{work}/../elsewhere", "--defaults", "--no-git")
    assert made.code == 0, made.stderr
    assert pasted(made.stdout, "Next:") == [f"cd {tmp_path}/elsewhere", "make run"]
    assert json.loads(installed("new", "..", "--json", "--defaults").stdout)["error"]["message"].startswith(str(tmp_path))


def test_a_dry_run_tells_all_and_makes_nothing(installed: Forge, work: Path) -> None:
    arguments = ["new", "user-service", "--defaults", "--no-git", "--data", "database=postgres"]
    dry = installed(*arguments, "--dry-run", "--json")
    assert names(work) == []
    shown = installed(*arguments, "--dry-run")
    assert shown.stdout.startswith("Would create user-service with go-http-service v")
    assert pasted(shown.stdout, "Create it:") == ["gopherforge new user-service --defaults --data database=postgres --no-git"]
    assert names(work) == []
    assert dry.stdout == installed(*arguments, "--json").stdout


def test_the_same_input_gives_the_same_bytes(installed: Forge, work: Path, tmp_path: Path) -> None:
    (work / "answers.yml").write_text("name: user-service\nmodule: github.com/acme/users\nlicense: Apache-2.0\n")
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        made = installed(
            "new", "--no-git", "--data-file", str(work / "answers.yml"), cwd=tmp_path / place, env={"TZ": place, "LC_ALL": "C"}
        )
        assert made.code == 0, made.stderr
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_the_data_file_is_relative_to_the_current_directory_and_data_wins(forge: Forge, work: Path) -> None:
    (work / "answers.yml").write_text("license: MIT\nci: none\n")
    ran = forge("new", "shop", "--defaults", "--dry-run", "--json", "--data-file", "answers.yml", "--data", "ci=github")
    answers = json.loads(ran.stdout)["data"]["answers"]
    assert (answers["license"], answers["ci"]) == ("MIT", "github")


MISSING = "there is no terminal to ask at, so {} must be given."
RESERVED = '"{0}" is a reserved word of Go, Docker or Windows: choose another name, such as {0}-service.'


def told(message: str, hint: str = "") -> Ran:
    """An invalid answer, as it is told."""
    return Ran(2, "", f"error: {message}\n" + (f"hint: {hint}\n" if hint else ""))


@pytest.mark.parametrize(
    ("arguments", "missing", "ways"),
    [
        ([], "name and module", "DIR or --data name=my-service and --data module=example.com/my-service"),
        (["shop"], "module", "--data module=example.com/shop"),
        (["--data", "module=example.com/shop"], "name", "DIR or --data name=my-service"),
        (["--data", "name=shop"], "module", "--data module=example.com/shop"),
    ],
)
def test_without_a_terminal_every_missing_answer_is_named(
    forge: Forge, work: Path, arguments: list[str], missing: str, ways: str
) -> None:
    assert forge("new", *arguments) == told(MISSING.format(missing), f"add {ways}, or use --defaults.")
    assert names(work) == []


def test_the_defaults_need_a_name(forge: Forge) -> None:
    assert forge("new", "--defaults") == told(
        "--defaults asks nothing, so name must be given.", "add DIR or --data name=my-service."
    )


@pytest.mark.parametrize(
    ("directory", "why", "suggestion"),
    [
        ("User_Service", NAME_RULE, "user-service"),
        ("My Service!", NAME_RULE, "my-service"),
        ("1st", NAME_RULE, "st"),
        ("x", NAME_RULE, "x-service"),
        ("日本", NAME_RULE, "my-service"),
        ("-" + "a" * 38 + "-" + "b" * 9, NAME_RULE, "a" * 38 + "-b"),
        ("a" * 39 + "-" + "b" * 9, NAME_RULE, "a" * 39),
        ("vendor", RESERVED.format("vendor"), "vendor-service"),
        ("user\x1b[31m", NAME_RULE, "user-31m"),
        ("user\udcff", "name is not valid UTF-8.", "user"),
        ("con", RESERVED.format("con"), "con-service"),
    ],
)
def test_a_directory_that_is_no_name_of_a_service_gets_a_suggestion(
    forge: Forge, work: Path, directory: str, why: str, suggestion: str
) -> None:
    refused = forge("new", "--defaults", "--", directory)
    shown = directory.replace("\x1b", "\\x1b").replace("\udcff", "\\udcff")
    assert refused == told(
        f'"{shown}" is no name of a service: {why}', f"add --data name={suggestion}, or choose another directory."
    )
    assert names(work) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("license=mit", 'license cannot be "mit": none, Apache-2.0 or MIT. Did you mean "MIT"?'),
        ("tracing=flase", 'tracing takes true or false, not "flase".'),
        ("databse=none", '"databse" is not a question. Did you mean "database"?'),
        ("name=con", "name: " + RESERVED.format("con")),
        ("module=a/v1", "module: A module path ends in a major version only from /v2 on."),
        ("description=two\nlines", "description: A description is one line, without control characters."),
        ("description=\udcff", "description is not valid UTF-8."),
        ("go_version=1.2", '"go_version" follows from other answers and cannot be given.'),
        ("_commit=v1.0.0", '"_commit" is not a question.'),
        ("source=nats", '"source" is not asked by go-http-service, but by go-worker-pool.'),
    ],
)
def test_a_wrong_answer_is_refused_with_a_sentence(forge: Forge, work: Path, answer: str, message: str) -> None:
    assert forge("new", "shop", "--defaults", "--data", answer) == told(message, LIST_HINT)
    assert names(work) == []


def test_a_worker_refuses_what_it_does_not_ask(forge: Forge, work: Path) -> None:
    refused = forge("new", "shop", "--defaults", *data("database=postgres", "source=sqs", "template=go-worker-pool"))
    assert refused == Ran(
        2,
        "",
        'error: source cannot be "sqs": none, nats, kafka, rabbitmq or redis.\n'
        'error: "database" is not asked by go-worker-pool, but by go-http-service or go-grpc-service.\n'
        f"hint: {LIST_HINT}\n",
    )
    assert names(work) == []


def test_an_empty_directory_name_is_bad_usage(forge: Forge) -> None:
    assert forge("new", "", "--defaults") == told("DIR is empty.", "name the directory, or leave it out.")


def test_a_data_file_that_cannot_be_read_is_told_by_its_path(forge: Forge, work: Path) -> None:
    refused = forge("new", "shop", "--defaults", "--data-file", "absent.yml")
    assert refused == told(
        f"{work}/absent.yml cannot be read: No such file or directory.", "a data file holds lines such as `database: postgres`."
    )


def test_everything_wrong_is_told_at_once(forge: Forge) -> None:
    refused = forge("new", "shop", "--defaults", "-d", "nmae=x", "-d", "license=mit", "-d", "module=a b")
    assert refused.code == 2
    assert [line.partition(" ")[0] for line in refused.stderr.splitlines()] == ["error:", "error:", "error:", "hint:"]


def test_a_directory_in_use_is_refused_before_anything_is_asked(forge: Forge, work: Path) -> None:
    (work / "shop").mkdir()
    (work / "shop/notes.txt").write_text("mine")
    refused = forge("new", "shop")
    assert (refused.code, refused.stdout) == (1, "")
    assert "is not empty" in refused.stderr
    assert (work / "shop/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("ref", ["v99.0.0", "main", "", "--upload-pack=touch made", "v1.0.0\n"])
def test_an_unknown_release_is_refused(forge: Forge, work: Path, ref: str) -> None:
    refused = forge("new", "shop", "--defaults", f"--ref={ref}")
    assert (refused.code, refused.stdout) == (2, "")
    assert names(work) == []


def test_without_git_it_says_so(installed: Forge, work: Path) -> None:
    refused = installed("new", "shop", "--defaults", env={"PATH": str(work)})
    assert (refused.code, refused.stdout) == (5, "")
    assert refused.stderr.startswith("error: git ")
    assert names(work) == []


def test_a_current_directory_that_is_gone_is_told(work: Path) -> None:
    command = f"mkdir gone; cd gone; rmdir ../gone; exec {sys.executable} -m gopherforge new shop --defaults"
    ran = subprocess.run(["sh", "-c", command], cwd=work, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: the current directory no longer exists.\nhint: change to one that does.\n"
