"""What `gopherforge doctor` tells: which programs are there, which of them are needed here, and how to get the others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap

from gopherforge import git
from gopherforge.errors import ProgramFailed, ProgramMissing
from gopherforge.project import ANSWERS_FILE, Record, read_record
from gopherforge.report import Result
from gopherforge.toolchain import DOCKER, GIT, GO, KUBECTL, MAKE, Machine, Tool, Version, ask, compiler, find, how_to_get, parse
from gopherforge.wording import join_and, printable

FOUND, TOO_OLD, MISSING, UNCLEAR, PROVIDED = "found", "too-old", "missing", "unclear", "provided"
"""What is said of a tool. Unclear: it tells no version, and must not be too old. Provided: the service fetches it by itself."""

COLUMNS = 80

FETCHING = (1, 21, 0)
"""The first Go that fetches the one that a go.mod asks for."""


@dataclass(frozen=True)
class Finding:
    """A tool as it was found, what it is for, and how to get it or a better one."""

    name: str
    status: str
    version: str
    required: bool
    use: str
    hint: str = ""


@dataclass(frozen=True)
class Place:
    """Where the command runs."""

    environ: Mapping[str, str]
    cwd: Path
    machine: Machine


def doctor(directory: str | None, place: Place) -> Result:
    """The tools that the service in a directory needs. Without a directory it is the current one, which may be no service.

    Raises InvalidProject where the given directory is no service, and ProgramMissing or ProgramFailed, with all that was found,
    where a required tool is not there or not new enough.
    """
    path = (place.cwd / (directory or "")).resolve()
    in_service = directory is not None or (path / ANSWERS_FILE).exists()
    findings = [*_for_service(path, read_record(path), place)] if in_service else [*_for_any(place)]
    data = {"tools": [_data(finding) for finding in sorted(findings, key=lambda each: each.name)]}
    unfit = [finding for finding in findings if finding.required and finding.status != FOUND]
    if not unfit:
        return Result(data, _table(findings))
    kind = ProgramMissing if any(finding.status == MISSING for finding in unfit) else ProgramFailed
    hint = " ".join(f"{finding.name}: {finding.hint}" for finding in unfit)
    raise kind(_sentence(unfit), hint, data=data, text=_table(findings))


def _for_any(place: Place) -> Iterator[Finding]:
    """What gopherforge itself needs, and what services do."""
    yield _look(GIT, place, required=True, use="gopherforge", oldest=git.OLDEST)
    yield _look(GO, place, use="services", oldest=FETCHING)
    yield _look(MAKE, place, use="services")
    yield _look(compiler(place.environ), place, use="race detector")
    yield _look(DOCKER, place, use="images, compose")
    yield _look(KUBECTL, place, use="deploying")


def _for_service(service: Path, record: Record, place: Place) -> Iterator[Finding]:
    """What the checks of a service need, and what the rest of its Makefile does."""
    yield _look(GIT, place, required=True, use="checks", oldest=git.OLDEST)
    yield _go(service, place)
    yield _look(MAKE, place, required=True, use="checks")
    yield _look(compiler(place.environ), place, required=True, use="race detector")
    yield _look(DOCKER, place, use="images, compose")
    if record.answers.get("deploy") == "kubernetes":
        yield _look(KUBECTL, place, use="deploying")
    if version := _line(service / "Makefile", r"GOLANGCI_LINT_VERSION\s*:?=\s*(\S+)"):
        yield Finding("golangci-lint", PROVIDED, version, required=False, use="`make lint` builds it")
    if version := _line(service / "Makefile", r"BUF_VERSION\s*:?=\s*(\S+)"):
        yield Finding("buf", PROVIDED, version, required=False, use="`make generate` builds it")
    if version := _line(service / "tools/go.mod", r"(?:require)?\s*golang\.org/x/vuln v(\S+)"):
        yield Finding("govulncheck", PROVIDED, version, required=False, use="`make vuln` builds it")


def _look(tool: Tool, place: Place, *, use: str, required: bool = False, oldest: Version = ()) -> Finding:
    found = find(tool, place.environ)
    get = f"{how_to_get(tool, place.machine)}."
    if found is None:
        return Finding(tool.name, MISSING, "", required, use, get)
    if not oldest or found.number >= oldest:
        return Finding(tool.name, FOUND, found.version, required, use, _NOT_QUITE.get(Path(found.path).name, ""))
    at_least = f"{'.'.join(map(str, oldest))} or newer: {get}"
    return Finding(tool.name, TOO_OLD if found.number else UNCLEAR, found.version, required, use, at_least)


def _go(service: Path, place: Place) -> Finding:
    """Go, which need not be as new as go.mod says where it may fetch that one."""
    wanted = _line(service / "go.mod", r"go (\S+)")
    needed = parse(wanted)
    finding = _look(GO, place, required=True, use="checks", oldest=needed)
    if finding.status != TOO_OLD or parse(finding.version) < FETCHING:
        return finding
    setting = place.environ.get("GOTOOLCHAIN") or ask(["go", "env", "GOTOOLCHAIN"], place.environ, toolchain="").strip()
    if setting.endswith("auto") or parse(setting) >= needed:
        fetched = _line(service / "go.mod", r"toolchain go(\S+)") or wanted
        return replace(finding, status=FOUND, use=f"checks, for which it fetches Go {fetched}", hint="")
    return replace(finding, hint=f"{finding.hint} Or let it fetch Go {wanted}: unset GOTOOLCHAIN, which is {printable(setting)}.")


def _line(path: Path, pattern: str) -> str:
    """What the first line that begins with a pattern says; nothing where there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(f"^{pattern}", text, re.MULTILINE)
    return found[1] if found else ""


def _data(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "status": finding.status,
        "version": finding.version,
        "hint": finding.hint,
        "required": finding.required,
        "use": finding.use,
    }


def _sentence(unfit: list[Finding]) -> str:
    missing = [finding.name for finding in unfit if finding.status == MISSING]
    parts = [f"{join_and(missing)} {'is' if len(missing) == 1 else 'are'} required and not found"] if missing else []
    parts += [f"{finding.name} {finding.version} is too old" for finding in unfit if finding.status == TOO_OLD]
    parts += [f"{finding.name} does not tell its version" for finding in unfit if finding.status == UNCLEAR]
    return f"{'; '.join(parts)}."


def _table(findings: list[Finding]) -> str:
    """A row for each tool, and below it how to get it."""
    head = ("TOOL", "STATUS", "VERSION", "NEEDED FOR")
    rows = [(each.name, each.status.replace("-", " "), each.version, _purpose(each)) for each in findings]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row, hint in zip([head, *rows], ["", *(finding.hint for finding in findings)], strict=True):
        lines.append("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"{'':<{widths[0]}}  {part}" for part in wrap(printable(hint), COLUMNS - widths[0] - 2)]
    return "\n".join(lines)


def _purpose(finding: Finding) -> str:
    return finding.use if finding.required or finding.status == PROVIDED else f"{finding.use} (optional)"


_NOT_QUITE = {"podman": "this is podman, and the Makefile calls docker: install podman-docker."}
