"""The spans that a running service sends to a real OpenTelemetry Collector."""

import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.generated.conftest import Project
from tests.generated.deploy.collector import CLIENT, SERVER, Collector, Span, running_collector
from tests.generated.faults.subject import Subject
from tests.generated.service import Service
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import IDENTITY, landmarks

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}

PARENT = "00f067aa0ba902b7"

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "10"}
"""Milliseconds after which spans are sent."""

NOT_BEFORE_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}


@pytest.fixture(params=[variant for variant in landmarks() if dict(variant.options).get("tracing")], ids=str)
def subject(request: pytest.FixtureRequest, shared: Shared, subject_of: Callable[[Project], Subject]) -> Subject:
    """The defaults and everything on, where they make traces."""
    return subject_of(Project(render_variant(shared, request.param), shared))


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path) as collector:
        yield collector


def test_request_is_a_part_of_its_callers_trace(subject: Subject, collector: Collector) -> None:
    trace = new_trace()
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert create(service, ADA, trace) == 201
        logged = service.logged("request")
        spans = of(trace, collector.spans_until(trace))

    (server,) = [span for span in spans if span.kind == SERVER]
    assert (server.name, server.parent) == ("POST /v1/users", PARENT)
    assert server.attributes["http.request.method"] == "POST"
    assert server.attributes["http.route"] == "/v1/users"
    assert int(server.attributes["http.response.status_code"]) == 201
    assert (server.service["service.name"], server.service["service.version"]) == (IDENTITY["name"], "v1.2.3")
    assert (logged["trace_id"], logged["span_id"]) == (trace, server.identifier)

    inner = [span for span in spans if span is not server]
    of_the_database = {CLIENT}, {"pool.acquire", "INSERT"}
    assert ({span.kind for span in inner}, {span.name for span in inner}) == (
        of_the_database if subject.project.has_database else (set(), set())
    )
    assert {span.parent for span in inner} <= {span.identifier for span in spans}
    assert [span for span in spans if ADA["email"] in str(span)] == []


def test_request_without_a_caller_begins_a_trace(subject: Subject, collector: Collector) -> None:
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert service.ask("GET", "/nothing").status == 404
        trace = service.logged("request")["trace_id"]
        (span,) = of(trace, collector.spans_until(trace))

    assert (span.name, span.parent, span.status) == ("GET unmatched", "", 0)


def test_request_that_its_caller_does_not_sample_leaves_nothing(subject: Subject, collector: Collector) -> None:
    unsampled, sampled = new_trace(), new_trace()
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert create(service, ADA, unsampled, sampled=False) == 201
        assert service.logged("request")["trace_id"] == unsampled
        assert create(service, ADA, sampled) == 409
        spans = collector.spans_until(sampled)

    assert of(unsampled, spans) == []
    assert of(sampled, spans) != []


def test_last_spans_are_sent_when_the_service_stops(subject: Subject, collector: Collector) -> None:
    traces = [new_trace() for _ in range(3)]
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **NOT_BEFORE_THE_END) as service:
        assert [create(service, ADA, trace) for trace in traces] == [201, 409, 409]
        assert service.stop(signal.SIGTERM) == 0

    assert [trace for trace in traces if not of(trace, collector.spans_until(trace))] == []


def test_without_an_endpoint_there_is_nothing_that_could_send(subject: Subject, collector: Collector) -> None:
    with subject.running() as service:
        service.wait_until_ready()
        assert create(service, ADA, new_trace()) == 201
        assert "trace_id" not in service.logged("request")
        assert not has_exporter(service)
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as service:
        assert has_exporter(service)


@pytest.mark.parametrize("accepts", [False, True], ids=["refuses", "never answers"])
def test_collector_that_is_down_costs_spans_and_nothing_else(subject: Subject, *, accepts: bool) -> None:
    with socket.socket() as down:
        down.bind(("127.0.0.1", 0))
        if accepts:
            down.listen()
        endpoint = f"http://127.0.0.1:{down.getsockname()[1]}"
        with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **SOON) as service:
            service.wait_until_ready()
            assert create(service, ADA, new_trace()) == 201
            service.process.send_signal(signal.SIGTERM)
            service.logged("the last spans are lost")
            service.logged("stopped")
            assert service.process.wait() == 0


def create(service: Service, user: dict[str, str], trace: str, *, sampled: bool = True) -> int:
    """Asks for a user within the trace of a caller, and gives the status."""
    traceparent = f"00-{trace}-{PARENT}-{sampled:02x}"
    return service.ask("POST", "/v1/users", user, headers={"traceparent": traceparent}).status


def new_trace() -> str:
    return secrets.token_hex(16)


def of(trace: str, spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.trace == trace]


def has_exporter(service: Service) -> bool:
    """Whether any goroutine of the service is at work in OpenTelemetry."""
    return "go.opentelemetry.io/" in service.ask("GET", "/debug/pprof/goroutine?debug=2", admin=True).body
