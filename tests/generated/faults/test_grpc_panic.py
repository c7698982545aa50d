"""A handler, an interceptor or a stream that panics spoils its own call and no other. The service is rebuilt with such ones."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generated.calls import connected, handled
from tests.generated.faults.calling import build
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, running

pytestmark = pytest.mark.go

CHANGES = [
    ("api.Register(server, users, feed)", "api.Register(server, api.BrokenUsers{Users: users}, api.BrokenChanges{})"),
    ("Status: api.Status,", "Status: api.Status, Authorize: api.Authorize,"),
]
"""Of the wiring."""

GENERIC = "The service failed to answer this call."

ANYBODY = {"id": "0190b8a0-0000-7000-8000-000000000000"}


@pytest.fixture
def service(full_grpc_subject: Subject, tmp_path: Path) -> Iterator[Service]:
    """The service with methods that panic."""
    build(full_grpc_subject.project, tmp_path, {"panics.go": "internal/api/panics.go"}, CHANGES)
    with running(tmp_path / "server", **full_grpc_subject.settings) as service:
        yield service


def test_panics_spoil_their_own_calls_only(service: Service, full_grpc_subject: Subject) -> None:
    panicking = {
        "a broken handler": ("GetUser", ANYBODY, ()),
        "assignment to entry in nil map": ("ListUsers", {}, [("x-panic", "yes")]),
        "a broken stream": ("WatchUsers", {}, ()),
    }
    with connected(full_grpc_subject.project.path, service.grpc) as client:
        service.wait_until_ready()
        for cause, (method, request, metadata) in panicking.items():
            call = client.begin(method, request, metadata=[("x-request-id", method), *metadata])
            assert (call.code().name, call.details()) == ("INTERNAL", GENERIC)
            record = service.logged("panic")
            assert (record["level"], record["request_id"]) == ("ERROR", method)
            assert cause in record["panic"]
            assert "internal/api/panics.go" in record["stack"]

        assert service.ask("GET", f"/v1/users/{ANYBODY['id']}").status == 500
        assert service.metric("panics_total") == 4
        assert [handled(service, method, "Internal") for method in ("GetUser", "ListUsers")] == [2, 1]
        assert handled(service, "WatchUsers", "Internal", "server_stream") == 1
        assert client.ask("ListUsers").code == "OK"
        assert service.stop(signal.SIGTERM) == 0
