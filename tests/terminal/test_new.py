"""`gopherforge new` as a person uses it, by the keyboard alone."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.cli.conftest import names
from tests.source import CATALOG
from tests.terminal.conftest import CTRL_C, CTRL_D, CTRL_U, DOWN, ENTER, ESC, UP, Start, Terminal, ends

pytestmark = pytest.mark.terminal

GAP = r"(?:\s|\x1b\[[\d;?]*[A-Za-z])+"  # a space between differently styled words
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-8][0-9;]*m")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def answers(service: Path) -> dict[str, object]:
    parsed = yaml.safe_load((service / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {key: value for key, value in parsed.items() if not key.startswith("_")}


def reply(terminal: Terminal, prompt: str, keys: str) -> None:
    """Waits for a prompt and presses keys."""
    terminal.expect(GAP.join(map(re.escape, prompt.split())))
    terminal.send(keys)


def test_three_questions_and_the_defaults_make_a_service(start: Start, work: Path) -> None:
    terminal = start("new")
    terminal.expect_exact("Enter accepts, arrow keys choose, Esc goes back, Ctrl-C leaves nothing behind.")
    reply(terminal, "HTTP service with a JSON API (go-http-service)", ENTER)
    reply(terminal, "name [my-service]:", f"orders{ENTER}")
    reply(terminal, "module [example.com/orders]:", f"github.com/acme/orders{ENTER}")
    reply(terminal, "Use the recommended defaults for the rest? (Y/n)", ENTER)
    terminal.expect_exact("  module       github.com/acme/orders")
    terminal.expect_exact("  directory    orders")
    reply(terminal, "Create it? (Y/n)", ENTER)
    code, shown = ends(terminal)
    assert code == 0
    assert "Created orders with go-http-service v" in shown
    assert "gopherforge new orders --defaults --data module=github.com/acme/orders" in shown
    found = answers(work / "orders")
    assert (found["name"], found["module"], found["database"]) == ("orders", "github.com/acme/orders", "none")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=work / "orders", capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_every_question_can_be_answered_by_the_keyboard(start: Start, work: Path) -> None:
    terminal = start("new", "orders", "--no-git")
    reply(terminal, "(go-http-service)", ENTER)
    reply(terminal, "name [orders]:", ENTER)
    reply(terminal, "module [example.com/orders]:", ENTER)
    reply(terminal, "the rest? (Y/n)", "n")
    terminal.expect_exact("Identity")
    reply(terminal, "description [A Go service.]:", f'Takes "orders" [[ name ]].{ENTER}')
    reply(terminal, "MIT License (MIT)", DOWN + DOWN + ENTER)
    terminal.expect_exact("Storage")
    reply(terminal, "PostgreSQL, with embedded migrations (postgres)", DOWN + ENTER)
    terminal.expect_exact("Observability")
    reply(terminal, "tracing (Y/n)", "n")
    terminal.expect_exact("Delivery")
    reply(terminal, "Nowhere, I bring my own (none)", DOWN + UP + DOWN + ENTER)
    reply(terminal, "Elsewhere, I bring my own (none)", DOWN + ENTER)
    reply(terminal, "Create it? (Y/n)", "y")
    assert ends(terminal)[0] == 0
    expected = {
        "description": 'Takes "orders" [[ name ]].',
        "license": "MIT",
        "database": "postgres",
        "tracing": False,
        "ci": "none",
        "deploy": "none",
    }
    found = answers(work / "orders")
    assert {key: found[key] for key in expected} == expected


def test_a_worker_is_asked_where_its_jobs_come_from_and_not_where_its_data_is(start: Start, work: Path) -> None:
    terminal = start("new", "orders", "--no-git")
    reply(terminal, "Worker that does jobs from a queue (go-worker-pool)", DOWN + DOWN + ENTER)
    reply(terminal, "name [orders]:", ENTER)
    reply(terminal, "module [example.com/orders]:", ENTER)
    reply(terminal, "the rest? (Y/n)", "n")
    reply(terminal, "description [A Go service.]:", ENTER)
    reply(terminal, "MIT License (MIT)", ENTER)
    terminal.expect_exact("Messaging")
    assert "Storage" not in str(terminal.before)
    reply(terminal, "RabbitMQ, with quorum queues (rabbitmq)", DOWN + DOWN + DOWN + ENTER)
    reply(terminal, "tracing (Y/n)", ENTER)
    reply(terminal, "Nowhere, I bring my own (none)", ENTER)
    reply(terminal, "Elsewhere, I bring my own (none)", ENTER)
    terminal.expect_exact("  source       rabbitmq")
    reply(terminal, "Create it? (Y/n)", ENTER)
    code, shown = ends(terminal)
    assert code == 0
    assert "Created orders with go-worker-pool v" in shown
    assert "  make broker-up run\r\n" in shown
    found = answers(work / "orders")
    assert (found["source"], "database" in found) == ("rabbitmq", False)


def test_a_grpc_service_is_asked_whether_it_serves_rest(start: Start, work: Path) -> None:
    terminal = start("new", "orders", "--no-git")
    reply(terminal, "gRPC service (go-grpc-service)", DOWN + ENTER)
    reply(terminal, "name [orders]:", ENTER)
    reply(terminal, "module [example.com/orders]:", ENTER)
    reply(terminal, "the rest? (Y/n)", "n")
    reply(terminal, "description [A Go service.]:", ENTER)
    reply(terminal, "MIT License (MIT)", ENTER)
    reply(terminal, "PostgreSQL, with embedded migrations (postgres)", ENTER)
    terminal.expect_exact("Gateway")
    assert "Messaging" not in str(terminal.before)
    reply(terminal, "gateway (y/N)", "y")
    reply(terminal, "tracing (Y/n)", ENTER)
    reply(terminal, "Nowhere, I bring my own (none)", ENTER)
    reply(terminal, "Elsewhere, I bring my own (none)", ENTER)
    terminal.expect_exact("  gateway      yes")
    reply(terminal, "Create it? (Y/n)", ENTER)
    code, shown = ends(terminal)
    assert code == 0
    assert "Created orders with go-grpc-service v" in shown
    found = answers(work / "orders")
    assert (found["database"], found["gateway"], "source" in found) == ("none", True, False)


def test_a_given_answer_decides_between_the_templates(start: Start, work: Path) -> None:
    terminal = start("new", "orders", "--no-git", "--data", "source=kafka", "--data", "module=example.com/orders")
    reply(terminal, "(go-worker-pool)", ENTER)
    terminal.expect_exact('"source" is not asked by go-http-service, but by go-worker-pool.')
    reply(terminal, "(go-worker-pool)", DOWN + DOWN + ENTER)
    reply(terminal, "name [orders]:", ENTER)
    reply(terminal, "the rest? (Y/n)", "y")
    reply(terminal, "Create it? (Y/n)", ENTER)
    assert ends(terminal)[0] == 0
    assert answers(work / "orders")["source"] == "kafka"


def test_escape_goes_one_question_back(start: Start, work: Path) -> None:
    terminal = start("new", "--no-git")
    reply(terminal, "(go-http-service)", ENTER)
    reply(terminal, "name [my-service]:", f"first{ENTER}")
    reply(terminal, "module [example.com/first]:", f"github.com/acme/first{ENTER}")
    reply(terminal, "the rest? (Y/n)", ESC)
    reply(terminal, "module [github.com/acme/first]:", ESC)
    reply(terminal, "name [first]:", f"second{ENTER}")
    reply(terminal, "module [github.com/acme/first]:", f"github.com/acme/second{ENTER}")
    reply(terminal, "the rest? (Y/n)", "y")
    reply(terminal, "Create it? (Y/n)", ESC)
    reply(terminal, "the rest? (Y/n)", "n")
    reply(terminal, "description [A Go service.]:", ENTER)
    reply(terminal, "MIT License (MIT)", ESC)
    reply(terminal, "description [A Go service.]:", ESC)
    reply(terminal, "the rest? (y/N)", "y")
    reply(terminal, "Create it? (Y/n)", ENTER)
    assert ends(terminal)[0] == 0
    assert names(work) == ["second"]
    assert answers(work / "second")["module"] == "github.com/acme/second"


def test_a_refused_answer_is_explained_and_can_be_mended(start: Start, work: Path) -> None:
    (work / "taken").mkdir()
    (work / "taken/file").touch()
    terminal = start("new", "--no-git")
    reply(terminal, "(go-http-service)", ENTER)
    reply(terminal, "name [my-service]:", f"Orders{ENTER}")
    terminal.expect_exact("A name has 2 to 40 lower-case letters, digits and hyphens, starts with a")
    reply(terminal, "name [my-service]: Orders", f"{CTRL_U}taken{ENTER}")
    terminal.expect_exact("is not empty")
    reply(terminal, "name [my-service]: taken", f"-not{ENTER}")
    reply(terminal, "module [example.com/taken-not]:", f"a b{ENTER}")
    terminal.expect_exact("A module path has letters, digits and")
    reply(terminal, "module [example.com/taken-not]: a b", f"\x7f\x7f{ENTER}")
    terminal.expect_exact("Use the recommended defaults for the rest?")
    terminal.send(CTRL_C)
    assert ends(terminal)[0] == 130
    assert names(work) == ["taken"]


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
@pytest.mark.parametrize("steps", range(4))
def test_ctrl_c_leaves_nothing_behind(start: Start, work: Path, term: str, steps: int) -> None:
    terminal = start("new", TERM=term)
    for prompt in ["(go-http-service)", "name [my-service]:", "module [example.com/my-service]:"][:steps]:
        reply(terminal, prompt, ENTER)
    terminal.expect_exact(["(go-http-service)", "name [my-service]:", "module [example.com/my-service]:", "for the rest?"][steps])
    terminal.send(CTRL_C)
    code, shown = ends(terminal)
    assert code == 130
    assert "error: interrupted." in shown
    assert "Traceback" not in shown
    assert names(work) == []


def test_the_end_of_input_is_an_interrupt(start: Start, work: Path) -> None:
    terminal = start("new")
    reply(terminal, "(go-http-service)", ENTER)
    reply(terminal, "name [my-service]:", CTRL_D)
    assert ends(terminal)[0] == 130
    assert names(work) == []


def test_no_at_the_end_makes_nothing(start: Start, work: Path) -> None:
    terminal = start(
        "new", "orders", "--data", "module=example.com/orders", "--data", "name=orders", "--data", "template=go-http-service"
    )
    reply(terminal, "the rest? (Y/n)", "y")
    reply(terminal, "Create it? (Y/n)", "n")
    code, shown = ends(terminal)
    assert code == 1
    assert "error: cancelled: nothing was written." in shown
    assert names(work) == []


def test_a_dumb_terminal_is_asked_in_plain_lines(start: Start, work: Path) -> None:
    terminal = start("new", "--no-git", TERM="dumb")
    terminal.expect_exact("Enter accepts what is in brackets, < goes back, Ctrl-C leaves nothing behind.")
    reply(terminal, "template [1]: ", "1\n")
    reply(terminal, "name [my-service]: ", "Orders\n")
    terminal.expect_exact("A name has 2 to 40 lower-case letters")
    reply(terminal, "name [my-service]: ", "orders\n")
    reply(terminal, "module [example.com/orders]: ", "<\n")
    reply(terminal, "name [orders]: ", "\n")
    reply(terminal, "module [example.com/orders]: ", "\n")
    reply(terminal, "for the rest? [yes]: ", "no\n")
    reply(terminal, "description [A Go service.]: ", "\n")
    reply(terminal, "license [1]: ", "MIT\n")
    reply(terminal, "database [1]: ", "2\n")
    reply(terminal, "tracing [yes]: ", "\n")
    reply(terminal, "ci [1]: ", "\n")
    reply(terminal, "deploy [1]: ", "\n")
    transcript = str(terminal.before)
    reply(terminal, "Create it? [yes]: ", "\n")
    code, shown = ends(terminal)
    assert code == 0
    assert "\x1b" not in transcript + shown
    assert answers(work / "orders")["database"] == "postgres"


def test_no_colour_is_shown_where_none_is_wanted(start: Start) -> None:
    def shown(terminal: Terminal) -> str:
        terminal.expect_exact("(go-http-service)")
        before = str(terminal.before)
        terminal.send(CTRL_C)
        return before + ends(terminal)[1]

    assert COLOUR.search(shown(start("new", NO_COLOR="")))
    assert not COLOUR.search(shown(start("new", NO_COLOR="1")))


@pytest.mark.parametrize("template", CATALOG.templates)
def test_what_is_shown_fits_eighty_columns(start: Start, work: Path, template: str) -> None:
    terminal = start("new", "orders", "--defaults", "--no-git", "--data", f"template={template}")
    code, shown = ends(terminal)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert len(shown.splitlines()) <= 40
    assert names(work) == ["orders"]


@pytest.mark.parametrize("redirected", [lambda command: f"{command} </dev/null", lambda command: f"{command} 2>messages"])
def test_where_nothing_can_be_asked_the_missing_answers_are_named(
    start: Start, work: Path, redirected: Callable[[str], str]
) -> None:
    del start
    terminal = pexpect.spawn(
        "sh", ["-c", redirected(f"{sys.executable} -m gopherforge new")], cwd=str(work), encoding="utf-8", timeout=60
    )
    code, shown = ends(terminal)
    messages = work / "messages"
    told = messages.read_text(encoding="utf-8") if messages.exists() else shown
    assert code == 2
    assert "there is no terminal to ask at, so name and module must be given." in told
    assert "--data module=" in told


def test_the_result_alone_is_written_to_a_redirected_stdout(start: Start, work: Path) -> None:
    del start
    terminal = pexpect.spawn(
        "sh", ["-c", f"{sys.executable} -m gopherforge new orders --no-git >result"], cwd=str(work), encoding="utf-8", timeout=60
    )
    reply(terminal, "(go-http-service)", ENTER)
    reply(terminal, "name [orders]:", ENTER)
    reply(terminal, "module [example.com/orders]:", ENTER)
    reply(terminal, "the rest? (Y/n)", "y")
    reply(terminal, "Create it? (Y/n)", "y")
    assert ends(terminal)[0] == 0
    result = (work / "result").read_text(encoding="utf-8")
    assert result.startswith("Created orders with go-http-service v")
    assert "\x1b" not in result
