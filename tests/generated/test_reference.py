"""What the documentation lists of a service is what the service has: metrics, environment variables."""

import re

import pytest

from tests.generated.conftest import Project
from tests.generated.service import running
from tests.source import ROOT

pytestmark = pytest.mark.go

OF_LIBRARIES = ("go_", "process_")

READ = re.compile(r'\b(?:e\.\w+\(|read\(e, )"([A-Z_]+)"(?:, ([^,()]+))?')

OF_OTHERS = {"DATABASE_URL_FILE", "GOMEMLIMIT", "TEST_DATABASE_URL"}
"""The other form of a secret, and what the Go runtime and the tests read."""

DEFAULTS = {"slog.LevelInfo": "info", "1<<20": "1048576"}


def page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text(encoding="utf-8")


def test_the_metrics_are_those_that_a_service_exports(postgres_project: Project, database: str) -> None:
    listed = dict(
        re.findall(r"^\| `(\w+)` \| (?:counter|gauge|histogram) \| (.*?)(?: By .*)? \|$", page("metrics.md"), re.MULTILINE)
    )
    with running(postgres_project.binary(), DATABASE_URL=database, MAX_IN_FLIGHT="100") as service:
        service.ask("GET", "/v1/users")
        exported = dict(re.findall(r"^# HELP (\w+) (.*)$", service.ask("GET", "/metrics", admin=True).body, re.MULTILINE))
    assert listed == {name: meaning for name, meaning in exported.items() if not name.startswith(OF_LIBRARIES)}


def test_the_variables_are_those_that_a_service_reads(postgres_project: Project) -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", page("environment.md"), re.MULTILINE)
    listed = {name: default for names, default in rows for name in re.findall(r"`([A-Z_]+)`", names)}
    code = (postgres_project.path / "internal/platform/config/config.go").read_text(encoding="utf-8")
    read = {name: default_of(text) for name, text in READ.findall(code)}

    assert own(listed) == own(read)
    assert {name: text for name, text in listed.items() if text.startswith("`")} == {
        name: f"`{text}`" for name, text in read.items() if text and listed.get(name) != "unset"
    }


def own(variables: dict[str, str]) -> set[str]:
    """Those that are not OpenTelemetry's, or others'."""
    return {name for name in variables if not name.startswith("OTEL_")} - OF_OTHERS


def default_of(text: str) -> str:
    """The default in Go, as the page says it; nothing where there is none."""
    seconds = re.fullmatch(r"(\d+)\*time\.Second", text)
    if seconds:
        return f"{seconds[1]}s"
    return DEFAULTS.get(text) or (text.strip('"') if re.fullmatch(r'\d+|"[\d.]*:\d+"', text) else "")
