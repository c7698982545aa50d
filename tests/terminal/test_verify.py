"""`gopherforge verify` on a terminal: a step is shown while it runs, and Ctrl-C ends it."""

import os
import re
from pathlib import Path

import pytest

from tests.terminal.conftest import CTRL_C, Start, ends

pytestmark = pytest.mark.terminal

MAKEFILE = """\
ci: quick waiting last
quick:
	@true
waiting:
	@exec 9>alive; read line < answer; echo "$$line"; test "$$line" = good
last:
	@true
"""


@pytest.fixture
def service(tmp_path: Path, start: Start) -> Path:
    """A directory with a step that waits for an answer."""
    del start  # makes the directory
    directory = tmp_path / "work/orders"
    directory.mkdir()
    (directory / "Makefile").write_text(MAKEFILE)
    for fifo in ("answer", "alive"):
        os.mkfifo(directory / fifo)
    return directory


@pytest.mark.parametrize(("answer", "status", "code"), [("good", "passed", 0), ("bad", "failed", 1)])
def test_a_step_is_shown_while_it_runs_and_then_how_it_ended(
    start: Start, service: Path, answer: str, status: str, code: int
) -> None:
    terminal = start("verify", "orders")
    terminal.expect_exact("  waiting  running")
    with (service / "alive").open():
        (service / "answer").write_text(f"{answer}\n")
        terminal.expect(rf"\r +\r  waiting  {status} +\d+\.\d s\r\n")
        exit_code, shown = ends(terminal)
    assert exit_code == code
    assert re.search(r"\r  last +running\r +\r  last +passed +\d+\.\d s\r\n", shown)
    assert ("\x1b" in shown, "All 3 steps of CI passed in" in shown) == (False, code == 0)
    assert ("    bad\r\n" in shown) == (code == 1)


def test_a_dumb_terminal_gets_a_line_for_each_step(start: Start, service: Path) -> None:
    terminal = start("verify", "orders", TERM="dumb")
    terminal.expect_exact("quick    passed")
    with (service / "alive").open():
        (service / "answer").write_text("good\n")
        code, shown = ends(terminal)
    assert code == 0
    assert "running" not in shown


def test_ctrl_c_tells_what_had_passed(start: Start, service: Path) -> None:
    terminal = start("verify", "orders")
    terminal.expect_exact("  waiting  running")
    with (service / "alive").open() as alive:
        terminal.send(CTRL_C)
        code, shown = ends(terminal)
        assert alive.read() == ""  # the end: the step and what it started are gone
    assert code == 130
    assert re.search(r"\r  waiting  interrupted +\d+\.\d s\r\n", shown)
    assert "error: orders: the checks were interrupted in waiting, after quick had passed." in shown
    assert "last" not in shown
