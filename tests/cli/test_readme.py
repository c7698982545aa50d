"""What the README shows is what the program prints."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran

README = Path(__file__).parents[2] / "README.md"
SHOWN = re.findall(
    r"^```console\n\$ (gopherforge [^\n]*)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_shown_output_is_printed(command: str, output: str, installed: Callable[..., Ran]) -> None:
    """But for the version of the templates; where the README says …, it leaves something out."""
    ran = installed(*shlex.split(command)[1:])

    assert (ran.code, ran.stderr) == (0, "")
    shown, _, _ = without_version(output).partition("…")
    assert without_version(ran.stdout).startswith(shown) if "…" in output else without_version(ran.stdout) == shown


def without_version(text: str) -> str:
    return re.sub(r"\bv\d+\.\d+\.\d+(-\d+-g[0-9a-f]+)?", "VERSION", text)


def test_there_is_something_to_compare() -> None:
    assert [shlex.split(command)[1] for command, _ in SHOWN] == ["new"]
