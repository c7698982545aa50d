"""The spans that a running service sends to a real OpenTelemetry Collector."""

import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.generated.calls import connected, ended
from tests.generated.conftest import Project
from tests.generated.dependencies import dependency_of
from tests.generated.deploy.activity import JOB
from tests.generated.deploy.collector import CLIENT, CONSUMER, PRODUCER, SERVER, Collector, Span, running_collector
from tests.generated.deploy.jobs import send
from tests.generated.faults.subject import Subject
from tests.generated.service import Service
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import IDENTITY, Variant, landmarks

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}

PARENT = "00f067aa0ba902b7"

ERROR = 2
"""Status of a span."""

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "10"}
"""Milliseconds after which spans are sent."""

NOT_BEFORE_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}


TRACED = [variant for variant in landmarks() if dict(variant.options).get("tracing")]
OF_ONE_WORK = {"go-grpc-service": SERVER, "go-http-service": SERVER, "go-worker-pool": CONSUMER}
"""The kind of the span that a request, a call or a job has."""


def needs_a_broker(variant: Variant) -> bool:
    needed = dependency_of(variant)
    return needed is not None and needed.kind == "broker"


@pytest.fixture(params=TRACED, ids=str)
def subject(request: pytest.FixtureRequest, shared: Shared, subject_of: Callable[[Project], Subject]) -> Subject:
    """The defaults and everything on, where they make traces."""
    return subject_of(Project(render_variant(shared, request.param), shared))


@pytest.fixture(params=[variant for variant in TRACED if variant.template == "go-http-service"], ids=str)
def http_subject(request: pytest.FixtureRequest, shared: Shared, subject_of: Callable[[Project], Subject]) -> Subject:
    return subject_of(Project(render_variant(shared, request.param), shared))


@pytest.fixture(params=[variant for variant in TRACED if variant.template == "go-grpc-service"], ids=str)
def grpc_subject(request: pytest.FixtureRequest, shared: Shared, subject_of: Callable[[Project], Subject]) -> Subject:
    return subject_of(Project(render_variant(shared, request.param), shared))


@pytest.fixture(params=[variant for variant in TRACED if needs_a_broker(variant)], ids=str)
def worker_subject(request: pytest.FixtureRequest, shared: Shared, subject_of: Callable[[Project], Subject]) -> Subject:
    return subject_of(Project(render_variant(shared, request.param), shared))


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path) as collector:
        yield collector


def test_request_is_a_part_of_its_callers_trace(http_subject: Subject, collector: Collector) -> None:
    trace = new_trace()
    with http_subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert create(service, ADA, trace) == 201
        logged = service.logged("request")
        spans = of(trace, collector.spans_until(trace, SERVER))

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
        of_the_database if http_subject.project.has_database else (set(), set())
    )
    assert {span.parent for span in inner} <= {span.identifier for span in spans}
    assert [span for span in spans if ADA["email"] in str(span)] == []


def test_request_without_a_caller_begins_a_trace(http_subject: Subject, collector: Collector) -> None:
    with http_subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert service.ask("GET", "/nothing").status == 404
        trace = service.logged("request")["trace_id"]
        (span,) = of(trace, collector.spans_until(trace, SERVER))

    assert (span.name, span.parent, span.status) == ("GET unmatched", "", 0)


def test_request_that_its_caller_does_not_sample_leaves_nothing(http_subject: Subject, collector: Collector) -> None:
    unsampled, sampled = new_trace(), new_trace()
    with http_subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        assert create(service, ADA, unsampled, sampled=False) == 201
        assert service.logged("request")["trace_id"] == unsampled
        assert create(service, ADA, sampled) == 409
        spans = collector.spans_until(sampled, SERVER)

    assert of(unsampled, spans) == []
    assert of(sampled, spans) != []


def test_call_is_a_part_of_its_callers_trace(grpc_subject: Subject, collector: Collector) -> None:
    trace = new_trace()
    with ExitStack() as stack:
        service = stack.enter_context(grpc_subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON))
        client = stack.enter_context(connected(grpc_subject.project.path, service.grpc))
        traceparent = ("traceparent", f"00-{trace}-{PARENT}-01")
        assert ended(client.begin("CreateUser", {"user": ADA}, metadata=[traceparent])).code == "OK"
        logged = service.logged("call")
        spans = of(trace, collector.spans_until(trace, SERVER))

    (server,) = [span for span in spans if span.kind == SERVER]
    assert (server.name, server.parent) == ("user.v1.UserService/CreateUser", PARENT)
    assert server.attributes["rpc.system.name"] == "grpc"
    assert (server.service["service.name"], server.service["service.version"]) == (IDENTITY["name"], "v1.2.3")
    assert (logged["trace_id"], logged["span_id"]) == (trace, server.identifier)
    assert {span.parent for span in spans if span is not server} <= {span.identifier for span in spans}
    assert [span for span in spans if ADA["email"] in str(span)] == []


def test_job_is_a_part_of_its_producers_trace(worker_subject: Subject, collector: Collector) -> None:
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, **SOON}
    with worker_subject.running(**tracing) as service:
        send([JOB], worker_subject.project, {**worker_subject.settings, **tracing})
        logged = service.logged("counted")
        trace = logged["trace_id"]
        spans = collector.spans_until(trace, CONSUMER)
        while not of(trace, spans, PRODUCER):
            spans += collector.spans_until(trace, PRODUCER)

    (sent,), (done,) = of(trace, spans, PRODUCER), of(trace, spans, CONSUMER)
    assert (sent.name, sent.parent, done.name, done.parent) == ("send job", "", "process job", sent.identifier)
    assert done.identifier == logged["span_id"]
    assert {span.attributes["messaging.message.id"] for span in (sent, done)} == {logged["request_id"]}
    assert {(span.service["service.name"], span.service["service.version"]) for span in (sent, done)} == {
        (IDENTITY["name"], "v1.2.3")
    }
    assert [span for span in spans if "hello world" in str(span)] == []


def test_failed_job_is_an_error_in_its_trace(worker_subject: Subject, collector: Collector) -> None:
    with worker_subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **SOON) as service:
        send(["poison"], worker_subject.project, worker_subject.settings)
        trace = service.logged("job failed")["trace_id"]
        (span,) = of(trace, collector.spans_until(trace, CONSUMER))

    assert (span.parent, span.status) == ("", ERROR)


def test_last_spans_are_sent_when_the_service_stops(subject: Subject, collector: Collector) -> None:
    kind = OF_ONE_WORK[subject.project.variant.template]
    with subject.running(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **NOT_BEFORE_THE_END) as service:
        traces = [trace_of_one_work(service, subject) for _ in range(3)]
        assert service.stop(signal.SIGTERM) == 0

    assert [trace for trace in traces if not of(trace, collector.spans_until(trace, kind))] == []


def test_without_an_endpoint_there_is_nothing_that_could_send(subject: Subject, collector: Collector) -> None:
    with subject.running() as service:
        service.wait_until_ready()
        assert "trace_id" not in logged_of_one_work(service, subject)
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
            assert trace_of_one_work(service, subject)
            service.process.send_signal(signal.SIGTERM)
            service.logged("the last spans are lost")
            service.logged("stopped")
            assert service.process.wait() == 0


def trace_of_one_work(service: Service, subject: Subject) -> str:
    """Has the service answer a request or a call, or do a job, and gives the trace of that."""
    trace: str = logged_of_one_work(service, subject)["trace_id"]
    return trace


def logged_of_one_work(service: Service, subject: Subject) -> dict[str, Any]:
    if service.grpc:
        with connected(subject.project.path, service.grpc) as client:
            assert client.ask("CreateUser", {"user": ADA}).code in {"OK", "ALREADY_EXISTS"}
        return service.logged("call")
    if service.public:
        assert service.ask("POST", "/v1/users", ADA).status in {201, 409}
        return service.logged("request")
    if subject.settings:
        send([JOB], subject.project, subject.settings)
    return service.logged("counted")


def create(service: Service, user: dict[str, str], trace: str, *, sampled: bool = True) -> int:
    """Asks for a user within the trace of a caller, and gives the status."""
    traceparent = f"00-{trace}-{PARENT}-{sampled:02x}"
    return service.ask("POST", "/v1/users", user, headers={"traceparent": traceparent}).status


def new_trace() -> str:
    return secrets.token_hex(16)


def of(trace: str, spans: list[Span], kind: int | None = None) -> list[Span]:
    return [span for span in spans if span.trace == trace and kind in {None, span.kind}]


def has_exporter(service: Service) -> bool:
    """Whether any goroutine of the service is at work in OpenTelemetry."""
    return "go.opentelemetry.io/" in service.ask("GET", "/debug/pprof/goroutine?debug=2", admin=True).body
