"""Rules and dashboards, beside a running service that a real Prometheus scrapes."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.generated.conftest import Project
from tests.generated.dependencies import DEPENDENCIES, running_broker
from tests.generated.deploy.activity import activity_of
from tests.generated.deploy.dashboards import Dashboard, dashboards_of
from tests.generated.deploy.prometheus import Prometheus, rules_of, running_prometheus
from tests.generated.deploy.promql import missing
from tests.generated.faults.subject import Subject
from tests.generated.service import eventually
from tests.gotools import environment
from tests.rendering import render_variant
from tests.support import Shared, program, run
from tests.variants import IDENTITY, Variant, landmarks, one_with_each

NAME = IDENTITY["name"]

WITH_EVERY_INSTANCE_GONE = {"ServiceDown", "InstanceDown"}
WITH_BROKERS = [variant for source, variant in one_with_each("go-worker-pool", "source").items() if source != "none"]

LAG = "job:worker_source_lag_messages:max"
WITHOUT_THE_BROKER = {"ServiceNotReady", "InstanceNotReady"}


@pytest.fixture(params=landmarks(), ids=str)
def landmark(request: pytest.FixtureRequest, shared: Shared) -> Project:
    """The defaults and everything on: the rules and dashboards of all variants are those of one of them."""
    return Project(render_variant(shared, request.param), shared)


def test_rules_do_what_their_tests_say(landmark: Project) -> None:
    program("promtool")

    outcome = run(["make", "rules-test"], cwd=landmark.path, env=environment())

    assert outcome.status == 0, outcome
    assert outcome.output.count("rules found") == len(list((landmark.path / "deploy/prometheus/rules").iterdir()))


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(landmark: Project) -> None:
    expected = re.compile(r"alertname: (\w+)(, exp_alerts: \[\]|\n\s+exp_alerts:(?! \[\]))")
    tests = "".join(path.read_text(encoding="utf-8") for path in (landmark.path / "deploy/prometheus/tests").iterdir())
    outcomes = {(alert, rest.startswith(",")) for alert, rest in expected.findall(tests)}

    assert {(alert, quiet) for alert in rules_of(landmark.path).alerts for quiet in (True, False)} == outcomes


def test_every_recorded_series_of_another_rule_or_dashboard_is_recorded(landmark: Project) -> None:
    rules = rules_of(landmark.path)
    expressions = rules.expressions + [
        query.expression for dashboard in dashboards_of(landmark.path) for query in dashboard.queries(NAME)
    ]
    used = {name for expression in expressions for name in re.findall(r"\bjob\w*:\w+:\w+", expression)}

    assert used == rules.recorded.keys()


def test_dashboards_are_told_apart_by_their_uid(landmark: Project) -> None:
    dashboards = dashboards_of(landmark.path)

    uids = {dashboard.model["uid"] for dashboard in dashboards}
    assert len(uids) == len(dashboards)
    assert max(map(len, uids)) <= 40  # as Grafana wants it


def test_panels_say_what_they_show_and_stand_side_by_side(landmark: Project) -> None:
    for dashboard in dashboards_of(landmark.path):
        assert [panel["title"] for panel in dashboard.panels if not panel["description"]] == []
        assert [panel["title"] for panel in dashboard.panels if not _has_unit(panel)] == []
        assert overlaps(dashboard) == []
        identifiers = [panel["id"] for panel in dashboard.model["panels"]]
        assert len(set(identifiers)) == len(identifiers)


def test_what_is_asked_of_a_running_service_is_there(
    landmark: Project, subject_of: Callable[[Project], Subject], tmp_path: Path
) -> None:
    """While the service is well, every query has an answer and no alert fires. Then its work fails, at last the service does."""
    rules, dashboards = rules_of(landmark.path), dashboards_of(landmark.path)
    activity = activity_of(subject_of(landmark))
    with ExitStack() as stack:
        service = stack.enter_context(activity.running())
        service.wait_until_ready()
        prometheus = stack.enter_context(running_prometheus(landmark.path, service.admin, tmp_path))

        with activity.well(service):
            asked = [*rules.recorded, *(query.expression for dashboard in dashboards for query in dashboard.queries(NAME))]
            assert at_last(lambda: [expression for expression in asked if not prometheus.query(expression)]) == []
            assert [problem for dashboard in dashboards for problem in problems(dashboard, prometheus)] == []
            assert prometheus.firing() == set()

        with activity.failing(service):
            eventually(lambda: prometheus.firing() == activity.alerts)
            assert [(rule, lacking) for rule in rules.expressions if (lacking := missing(rule, prometheus))] == []
            assert [
                board.name for board in dashboards for alerts in board.annotations(NAME) if not prometheus.query(alerts)
            ] == []

        service.process.kill()
        eventually(lambda: prometheus.firing() >= WITH_EVERY_INSTANCE_GONE)


@pytest.mark.parametrize("variant", WITH_BROKERS, ids=str)
def test_a_worker_whose_broker_is_gone_is_reported(variant: Variant, shared: Shared, tmp_path: Path) -> None:
    project = Project(render_variant(shared, variant), shared)
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(str(variant.answers["source"])))
        subject = Subject(project, {DEPENDENCIES[str(variant.answers["source"])].variable: broker.url})
        service = stack.enter_context(subject.running())
        service.wait_until_ready()
        prometheus = stack.enter_context(running_prometheus(project.path, service.admin, tmp_path))
        eventually(lambda: (prometheus.firing(), bool(prometheus.query(LAG))) == (set(), True))

        broker.kill()
        eventually(lambda: (prometheus.firing(), prometheus.query(LAG)) == (WITHOUT_THE_BROKER, []))

        broker.start()
        eventually(lambda: (prometheus.firing(), bool(prometheus.query(LAG))) == (set(), True))


@pytest.mark.parametrize(
    ("expression", "lacking"),
    [
        ('sum by (job) (rate(up{job="prometheus"}[1m])) or vector(0)', ['up{job="prometheus"}']),
        ("up or nothing_total", ["nothing_total{}"]),
        ('up{instance="elsewhere"} > 0 or up', ['up{instance="elsewhere"}']),
        ("sum by (job, region) (up)", ["region of up{}"]),
        ("up / on (job, region) up", ["region of up{}"] * 2),
        ("sum by (job) (up) / on (job) group_left () sum by (job) (up)", []),
    ],
)
def test_what_is_missing_is_noticed(expression: str, lacking: list[str], itself: Prometheus) -> None:
    eventually(lambda: bool(itself.query("up")))

    assert missing(expression, itself) == lacking


@pytest.fixture(scope="module")
def itself(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that finds nobody to scrape."""
    project = render_variant(shared, landmarks()[0])
    with running_prometheus(project.path, "127.0.0.1:1", tmp_path_factory.mktemp("prometheus")) as prometheus:
        yield prometheus


def problems(dashboard: Dashboard, prometheus: Prometheus) -> list[str]:
    """What a dashboard asks for in vain: in its queries, legends and variables."""
    found = [
        f"{query.panel}: {lacking}" for query in dashboard.queries(NAME) for lacking in missing(query.expression, prometheus)
    ]
    found += [
        f"{query.panel}: {label} in the legend"
        for query in dashboard.queries(NAME)
        for label in re.findall(r"\{\{(\w+)\}\}", query.legend)
        if not all(label in series for series in prometheus.query(query.expression))
    ]
    return found + [
        f"{dashboard.name}: {label} of {selector}"
        for selector, label in dashboard.variables(NAME)
        if not prometheus.label_values(selector, label)
    ]


def at_last(left: Callable[[], list[str]]) -> list[str]:
    """What is left when nothing is, or when it has lasted too long."""
    with suppress(AssertionError):
        eventually(lambda: not left())
    return left()


def overlaps(dashboard: Dashboard) -> list[tuple[str, str]]:
    """Pairs of panels that share a place, and panels that stick out."""
    places = [
        (panel["title"], {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])})
        for panel in dashboard.model["panels"]
        for place in [panel["gridPos"]]
    ]
    outside = [(title, "the edge") for title, cells in places if max(x for x, _ in cells) >= 24]
    return outside + [
        (one, other) for number, (one, cells) in enumerate(places) for other, taken in places[number + 1 :] if cells & taken
    ]


def _has_unit(panel: dict[str, Any]) -> bool:
    defaults, options = panel["fieldConfig"]["defaults"], panel["options"]
    return bool(defaults.get("unit") or options["yAxis"]["unit"])
