"""What the documentation lists of a service is what the service has: metrics, environment variables."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.generated.conftest import Project, Settings
from tests.generated.deploy.activity import activity_of
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually
from tests.rendering import render_variant
from tests.source import ROOT
from tests.support import Shared
from tests.variants import Variant, landmarks, one_with_each

pytestmark = [
    pytest.mark.go,
    pytest.mark.parametrize(
        "variant", list(dict.fromkeys([*landmarks(), *one_with_each("go-worker-pool", "source").values()])), ids=str
    ),
]

OF_LIBRARIES = ("go_", "process_")

READ = re.compile(r'\b(?:e\.\w+\(|read\(e, )"([A-Z_]+)"(?:, ([^,()]+))?')

OF_OTHERS = re.compile("OTEL_|TEST_|GOMEMLIMIT$|.*_FILE$")
"""What OpenTelemetry, the tests and the Go runtime read, and the other form of a secret."""

DEFAULTS = {"slog.LevelInfo": "info", "1<<20": "1048576", "time.Second": "1s", "time.Minute": "1m"}


def listed(page: str, variant: Variant) -> Iterator[list[str]]:
    """The rows of a page that are about a variant, as cells."""
    text = (ROOT / "docs/reference" / page).read_text(encoding="utf-8")
    section = text.partition(f"\n## {variant.template}\n")[2].partition("\n## ")[0]
    condition = "always"
    for line in section.splitlines():
        if line.startswith("#"):
            condition = "always"
        elif line.startswith("Only with "):
            condition = " and ".join(re.findall(r"`([^`]+)`", line))
        elif line.startswith("| `") and variant.meets(condition):
            yield line.strip("| ").split(" | ")


def test_the_metrics_are_those_that_a_service_exports(
    variant: Variant, shared: Shared, settings_of: Callable[[Project], Settings]
) -> None:
    rows = [row for row in listed("metrics.md", variant) if row[1] in {"counter", "gauge", "histogram"}]
    told = {name.strip("`"): re.sub(r" By `.*", "", meaning) for name, _, meaning in rows}
    project = Project(render_variant(shared, variant), shared)
    subject = Subject(project, settings_of(project))
    if project.has_database:
        assert subject.run("migrate").status == 0
    activity = activity_of(subject)
    with activity.running() as service, activity.well(service):
        with suppress(AssertionError):  # what is missing is said below
            eventually(lambda: exported(service).keys() >= told.keys())

        assert exported(service) == told


def exported(service: Service) -> dict[str, str]:
    """The metrics of a service, some of which are there once it has worked, and what each means."""
    text = service.ask("GET", "/metrics", admin=True).body
    found = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE))
    return {name: meaning for name, meaning in found.items() if not name.startswith(OF_LIBRARIES)}


def test_the_variables_are_those_that_a_service_reads(variant: Variant, shared: Shared) -> None:
    rows = list(listed("environment.md", variant))
    told = {name: default for names, default, _ in rows for name in re.findall(r"`([A-Z_]+)`", names)}
    texts = render_variant(shared, variant).texts
    code = "".join(texts[f"internal/platform/config/{name}.go"] for name in ("config", "env"))
    read = {name: default_of(text) for name, text in READ.findall(code)}

    assert own(told) == own(read)
    assert {name: text for name, text in told.items() if text.startswith("`")} == {
        name: f"`{text}`" for name, text in read.items() if text and told.get(name) not in {"unset", "the service's name"}
    }


def own(variables: dict[str, str]) -> set[str]:
    """Those that are not others'."""
    return {name for name in variables if not OF_OTHERS.match(name)}


def default_of(text: str) -> str:
    """The default in Go, as the page says it; nothing where there is none."""
    seconds = re.fullmatch(r"(\d+)\*time\.Second", text)
    if seconds:
        return f"{seconds[1]}s"
    return DEFAULTS.get(text) or (text.strip('"') if re.fullmatch(r'\d+|true|false|"[\d.]*:\d+"', text) else "")
