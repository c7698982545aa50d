"""The pages about generated services: files, environment variables, metrics; from their templates."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pathspec
import yaml
from jinja2 import FileSystemLoader

from gopherforge.answers import context
from gopherforge.catalog import Value
from gopherforge.expressions import environment
from maintenance.reference.markdown import code, page, table
from tests import source
from tests.variants import landmarks, options

FILES: dict[str, dict[str, list[str]]] = yaml.safe_load((source.ROOT / "tests/templates/files.yml").read_text(encoding="utf-8"))
"""Of each template and condition (`always`, or `key=value`), the files."""

TEMPLATES = source.CATALOG.templates

ALWAYS = "always"

Row = tuple[str, list[str]]
"""The condition on which a row of a table depends, and its cells."""

METRIC = re.compile(
    r'New(Counter|Gauge|Histogram|Summary)(?:Func|Vec)?\(prometheus\.\w+Opts\{\s*Name:\s*"(\w+)",\s*Help:\s*"([^"]+)"'
    r"(?:\}\)|.*?\n\t*\}(?:, \[\]string\{.*?\})?)",
    re.DOTALL,
)
NOT_EXPORTED = {"go-grpc-service": {"http_server_active_requests_limit"}}
"""Metrics that a template has the code of, and never registers: what its gateway passes on is limited by the gRPC server."""

STATISTIC = re.compile(r'(gauge|counter|histogram)\("(\w+)", "([^"]+)"')
LABELS = re.compile(r'(?:\[\]string|prometheus\.Labels)\{("\w+"[^}]*)\}')
"""Of a metric that has them in its options, or beside."""


def write_environment() -> str:
    """The variables that the README of each template describes."""
    return page(
        "Environment variables of a service",
        "This page lists the environment variables that configure a generated service when it starts.",
        "An empty variable counts as unset. A wrong value ends the start with exit code 2; all mistakes are reported at once.",
        *(_section(template, _tables(["variable", "default", "meaning"], _variables(template))) for template in TEMPLATES),
    )


def write_metrics() -> str:
    """The metrics that the Go code of each template registers, and the alerts of its rules."""
    return page(
        "Metrics and alerts of a service",
        "This page lists the metrics that a generated service exports on its admin listener at `/metrics`, and its alerts.",
        "The Prometheus client library adds those of the Go runtime and of the process: `go_*`, `process_*`.",
        *(
            _section(
                template,
                "### Metrics\n\n" + _tables(["metric", "type", "meaning"], _metrics(template)),
                "### Alerts\n\n" + _tables(["alert", "labels", "after", "tells"], _alerts(template)),
            )
            for template in TEMPLATES
        ),
    )


def write_files() -> str:
    """The files of each template, with whom they belong to."""
    return page(
        "Files of a service",
        "This page lists the files of a generated service, whom they belong to, and the answers that some of them depend on.",
        "- *template*: follows the template; change it where you must.\n"
        "- *yours*: an example to begin with, and yours from your first edit on.\n"
        "- *modules*: go.mod and go.sum, in which both sides require modules.",
        *(_section(template, _tables(["directory", "files", "belongs to"], _files(template))) for template in TEMPLATES),
    )


def _section(template: str, *parts: str) -> str:
    return "\n\n".join([f"## {template}", *parts])


def _tables(heading: list[str], rows: Iterable[Row]) -> str:
    """A table of the rows that depend on no answer, and one for each condition."""
    groups: dict[str, list[list[str]]] = {}
    for condition, cells in rows:
        groups.setdefault(condition, []).append(cells)
    parts = [table(heading, groups.pop(ALWAYS))]
    for condition, cells_of in groups.items():
        parts += [f"Only with {' and '.join(map(code, condition.split(' and ')))}:", table(heading, cells_of)]
    return "\n\n".join(parts)


def _variables(template: str) -> Iterator[Row]:
    (full,) = (variant.answers for variant in landmarks() if variant.template == template and variant.label == "full")
    rows: dict[str, list[str]] = {}
    needed: dict[str, list[str]] = {}
    for key, values in options(template).items():
        found = {value: {row[0]: row for row in _described_variables(full | {key: value})} for value in values}
        for value in values:
            rows |= found[value]
        for name in rows:
            present = [str(value).lower() for value in values if name in found[value]]
            needed.setdefault(name, []).extend([f"{key}={'|'.join(present)}"] if 0 < len(present) < len(values) else [])
    for name, row in rows.items():
        yield " and ".join(needed[name]) or ALWAYS, row


def _described_variables(answers: dict[str, Value]) -> Iterator[list[str]]:
    """The rows of the table below the README's heading Configuration."""
    section = _render("README.md", answers).partition("\n## Configuration\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _render(file: str, answers: dict[str, Value]) -> str:
    jinja = environment(source.CATALOG.envops).overlay(loader=FileSystemLoader(source.ROOT))
    return jinja.get_template(f"templates/{answers['template']}/{file}.jinja").render(context(source.CATALOG, answers))


def _metrics(template: str) -> Iterator[Row]:
    passed_over = set(NOT_EXPORTED.get(template, ()))
    for condition, files in FILES[template].items():
        for file in files:
            if file.endswith(".go") and not file.endswith("_test.go"):
                for kind, name, meaning, labels in _registered(_source(template, file)):
                    told = ", ".join(map(code, labels))
                    if name not in passed_over:
                        yield condition, [code(name), kind.lower(), f"{meaning} By {told}." if told else meaning]
                    passed_over.add(name)  # two servers of a service count panics together


def _alerts(template: str) -> Iterator[Row]:
    (full,) = (variant.answers for variant in landmarks() if variant.template == template and variant.label == "full")
    for condition, files in FILES[template].items():
        for file in files:
            if file.startswith("deploy/prometheus/rules/"):
                groups = yaml.safe_load(_render(file, full))["groups"]
                for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
                    labels = ", ".join(code(f"{name}={value}") for name, value in rule["labels"].items())
                    told = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", rule["annotations"]["summary"])
                    yield condition, [code(rule["alert"]), labels, rule.get("for", "at once"), told]


def _registered(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    for found in [*METRIC.finditer(text), *STATISTIC.finditer(text)]:
        labels = [label for some in LABELS.findall(found[0]) for label in re.findall(r'"(\w+)"', some)]
        yield found[1], found[2], found[3], labels


def _source(template: str, file: str) -> str:
    """The source of a rendered file: the template's own, or the shared one that it includes."""
    for folder in (f"templates/{template}", "templates/_shared"):
        for path in (source.ROOT / folder / file, source.ROOT / folder / f"{file}.jinja"):
            if path.exists() and "[% include" not in (text := path.read_text(encoding="utf-8")):
                return text
    raise FileNotFoundError(file)


def _files(template: str) -> Iterator[Row]:
    for condition, files in FILES[template].items():
        groups: dict[tuple[str, str], list[str]] = {}
        for file in files:
            path = PurePosixPath(file)
            groups.setdefault((str(path.parent), _owner(file)), []).append(path.name)
        for (directory, owner), names in sorted(groups.items()):
            yield condition, [code(f"{directory}/"), ", ".join(map(code, sorted(names))), owner]


def _owner(file: str) -> str:
    for name, patterns in source.ownership().items():
        if pathspec.GitIgnoreSpec.from_lines(patterns).match_file(file):
            return {"managed": "template", "modules": "modules"}.get(name, "yours")
    raise LookupError(f"{file} is in no class of ownership.yml.")
