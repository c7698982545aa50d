"""The Go tools, at the version that generated services name, with the module and build caches of whoever runs the tests."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests import source
from tests.support import Outcome, program, run

OF_SERVICES = (
    *("ADDR", "LOG_LEVEL", "TIMEOUT", "DELAY", "MAX_", "OTEL_", "_FILE", "MEMORY_LIMIT"),
    *("DATABASE_", "NATS_URL", "KAFKA_BROKERS", "RABBITMQ_URL", "REDIS_URL"),
    *("WORKERS", "QUEUE", "JOBS", "GENERATE_EVERY"),
)
"""Parts of the names of what configures a generated service: its tests decide over these, not the machine."""

MAKE = ("GNUMAKEFLAGS", "MAKE", "MFLAGS")
"""How the names begin of what a make above the tests would tell the make of a generated service."""

INHERITED = {
    name: value
    for name, value in os.environ.items()
    if not any(part in name for part in OF_SERVICES) and not name.startswith(MAKE)
}


def environment() -> dict[str, str]:
    """The environment in which Go runs: paths do not matter to its build cache, nor does a repository around the project."""
    return INHERITED | {
        "PATH": os.environ["PATH"],
        "GOTOOLCHAIN": f"go{source.CATALOG['go_toolchain'].default}",
        "GOFLAGS": "-trimpath -buildvcs=false",
        "GOWORK": "off",
        "CI": "",
    }


def go(project: Path, *arguments: str | Path, **extra: str) -> Outcome:
    """Runs `go` in a project; `extra` is added to its environment."""
    return run([program("go"), *arguments], cwd=project, env=environment() | extra)


def race_tests(project: Path, profile: Path, extra: Mapping[str, str]) -> Outcome:
    """Runs the tests as CI of a service does, and tells what they cover."""
    flags = ["-race", "-shuffle=on", "-count=1", "-v", f"-coverprofile={profile}", "-coverpkg=./internal/..."]
    tests = go(project, "test", *flags, "./...", **extra)
    if tests.status:
        return tests
    covered = go(project, "tool", "cover", f"-func={profile}")
    return Outcome(tests.command, covered.status, tests.output + covered.output)


def provide_programs(service: Path) -> None:
    """Puts the programs that take minutes to build to where the Makefile of a service builds them."""
    makefile = (service / "Makefile").read_text(encoding="utf-8")
    (service / "bin").mkdir(exist_ok=True)
    for name in ("golangci-lint", "buf"):
        version = source.CATALOG[f"{name.replace('-', '_')}_version"].default
        if f"\nbin/{name}-" in makefile:
            (service / f"bin/{name}-{version}").symlink_to(program(name))


def gofmt(directory: Path) -> str:
    """What gofmt would change in a directory, as a diff."""
    outcome = run([_goroot() / "bin/gofmt", "-d", "."], cwd=directory, env=environment())
    return outcome.output


@cache
def _goroot() -> Path:
    return Path(go(source.ROOT, "env", "GOROOT").output.strip())
