"""The programs that a service's author needs: where they are, which version they are, how to get them."""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gopherforge import git
from gopherforge.errors import ForgeError, ProgramMissing
from gopherforge.process import supervise
from gopherforge.wording import join_and

PATIENCE = 10.0
"""Seconds after which a program that was asked for its version counts as broken."""

UNKNOWN = "unknown"
"""The version of a program that tells none."""

Version = tuple[int, ...]


@dataclass(frozen=True)
class Machine:
    """What a program's installation depends on: `sys.platform`, and the ID and ID_LIKE of /etc/os-release."""

    platform: str
    distributions: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """`macos`, `debian`, `fedora`, or empty."""
        if self.platform == "darwin":
            return "macos"
        return next((family for like in self.distributions if (family := _FAMILIES.get(like))), "")


@dataclass(frozen=True)
class Tool:
    """A program, or one of several that do the same."""

    name: str
    programs: tuple[str, ...]
    ask: tuple[str, ...]  # makes it tell its version
    site: str  # where it comes from
    install: Mapping[str, str] = field(default_factory=dict)  # family to command


@dataclass(frozen=True)
class Found:
    """A program on this machine, and what it says about its version."""

    path: str
    version: str

    @property
    def number(self) -> Version:
        """The version as numbers that can be compared; empty where it is unknown."""
        return parse(self.version)


GIT = Tool(
    "git",
    ("git",),
    ("version",),
    "https://git-scm.com/downloads",
    {"debian": "apt install git", "fedora": "dnf install git", "macos": "brew install git"},
)
GO = Tool("go", ("go",), ("version",), "https://go.dev/dl", {"fedora": "dnf install golang", "macos": "brew install go"})
MAKE = Tool(
    "make",
    ("make",),
    ("--version",),
    "https://www.gnu.org/software/make",
    {"debian": "apt install make", "fedora": "dnf install make", "macos": "xcode-select --install"},
)
COMPILER = Tool(
    "C compiler",
    ("gcc", "clang"),
    ("--version",),
    "https://gcc.gnu.org",
    {"debian": "apt install gcc libc6-dev", "fedora": "dnf install gcc", "macos": "xcode-select --install"},
)
DOCKER = Tool("docker", ("docker", "podman"), ("--version",), "https://docs.docker.com/get-started/get-docker")
KUBECTL = Tool(
    "kubectl",
    ("kubectl",),
    ("version", "--client"),
    "https://kubernetes.io/docs/tasks/tools",
    {"macos": "brew install kubectl"},
)


def find(tool: Tool, environ: Mapping[str, str]) -> Found | None:
    """The first of a tool's programs on PATH, asked for its version; None where there is none."""
    paths = (shutil.which(program, path=environ.get("PATH", "")) for program in tool.programs)
    path = next(filter(None, paths), None)
    if path is None:
        return None
    version = re.search(r"\d+(\.\d+)+((rc|beta)\d+)?", ask([path, *tool.ask], environ))
    return Found(path, version[0] if version else UNKNOWN)


def compiler(environ: Mapping[str, str]) -> Tool:
    """The C compiler that Go calls; one that it usually calls, where there is no Go to ask."""
    asked = ask(["go", "env", "CC"], environ).split()
    return replace(COMPILER, programs=(asked[0],)) if asked else COMPILER


def how_to_get(tool: Tool, machine: Machine) -> str:
    """What to type, or where to look, on this machine."""
    command = tool.install.get(machine.family)
    return f"`{command}`" if command else tool.site


def require(tools: Iterable[Tool], environ: Mapping[str, str], machine: Machine) -> None:
    """Raise ProgramMissing, naming every tool of which no program is on PATH."""
    missing = [tool for tool in tools if not any(shutil.which(each, path=environ.get("PATH", "")) for each in tool.programs)]
    if missing:
        names = join_and(tool.name for tool in missing)
        verb = "is required and was" if len(missing) == 1 else "are required and were"
        ways = "; ".join(dict.fromkeys(f"{tool.name}: {how_to_get(tool, machine)}" for tool in missing))
        raise ProgramMissing(f"{names} {verb} not found.", f"{ways}.")


def parse(version: str) -> Version:
    """The numbers of a version such as 2.39.5 or go1.27rc1, of which what follows the first two may be missing."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(number) for number in found.groups("0")) if found else ()


def ask(argv: Sequence[str], environ: Mapping[str, str], toolchain: str = "local") -> str:
    """What a program says about itself; nothing where it fails or takes its time. Go is the installed one, not one it fetches."""
    env = {**git.authors(environ), "GOTOOLCHAIN": toolchain, "LC_ALL": "C"}
    try:
        said = supervise(argv, cwd=Path("/"), env=env, timeout=PATIENCE)
    except ForgeError:
        return ""
    return said.stdout if said.returncode == 0 else ""


_FAMILIES = {"debian": "debian", "ubuntu": "debian", "fedora": "fedora", "rhel": "fedora", "centos": "fedora"}
