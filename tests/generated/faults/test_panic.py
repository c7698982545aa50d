"""A handler or a middleware that panics spoils its own request and no other. The service is rebuilt with such ones."""

import http.client
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.generated.faults.subject import Subject
from tests.generated.service import Service, running
from tests.gotools import go

pytestmark = pytest.mark.go

FAULTS = Path(__file__).with_name("faults.go")

WIRED = "\tapi.Register(router, users)\n"


@pytest.fixture
def service(full_subject: Subject, tmp_path: Path) -> Iterator[Service]:
    """The service with routes that panic."""
    rendering = full_subject.project.rendering
    copy = shutil.copytree(rendering.path, tmp_path / "service")
    routes = FAULTS.read_text(encoding="utf-8").replace("MODULE", rendering.module)
    (copy / "internal/api/faults.go").write_text(routes, encoding="utf-8")
    wiring = rendering.texts["cmd/server/wire.go"]
    assert wiring.count(WIRED) == 1
    (copy / "cmd/server/wire.go").write_text(wiring.replace(WIRED, f"{WIRED}\tapi.RegisterFaults(router)\n"), encoding="utf-8")
    built = go(copy, "build", "-o", tmp_path / "server", "./cmd/server")
    assert built.status == 0, built
    with running(tmp_path / "server", **full_subject.settings) as service:
        yield service


def test_panics_spoil_their_own_requests_only(service: Service) -> None:
    for path, cause in {"handler": "a broken handler", "middleware": "assignment to entry in nil map"}.items():
        answer = service.ask("GET", f"/faults/{path}")
        assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
        assert cause not in str(answer.body)
        assert logged_panic(service, cause)["request_id"] == answer.body["instance"]

    with pytest.raises(http.client.IncompleteRead) as cut:
        service.ask("GET", "/faults/answer")
    assert cut.value.partial == b"half"
    logged_panic(service, "a broken answer")

    assert service.metric("panics_total") == 3
    assert service.ask("GET", "/v1/users").status == 200
    assert service.stop(signal.SIGTERM) == 0
    assert "panic" not in {record["msg"] for record in service.rest_of_log()}


def logged_panic(service: Service, cause: str) -> dict[str, Any]:
    """The next record of a panic, which says where it was."""
    record = service.logged("panic")
    assert record["level"] == "ERROR"
    assert cause in record["panic"]
    assert "internal/api/faults.go" in record["stack"]
    return record
