"""What keeps a service busy while it is well, and what has its work fail, whichever template it is of."""

import http.client
import itertools
import signal
import ssl
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.generated import calls
from tests.generated.deploy.jobs import send
from tests.generated.faults.subject import Subject
from tests.generated.service import PATIENCE, PROBE_PERIOD, Service
from tests.support import run

MAX_IN_FLIGHT = 8

LONG_PAGE = 100
"""The users of a page that takes the service longest."""

JOB = '{"text": "hello world"}'

CERTIFICATE = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj /CN=users -addext subjectAltName=IP:127.0.0.1"
)


@dataclass(frozen=True)
class Activity(ABC):
    """What happens to a service."""

    subject: Subject
    limits: ClassVar[Mapping[str, str]] = {}
    """What has to be set for its metrics to be there, or to be reached."""

    @property
    @abstractmethod
    def alerts(self) -> set[str]:
        """The alerts that fire while its work fails, if none waits."""

    @abstractmethod
    def well(self, service: Service) -> AbstractContextManager[object]:
        """Work of every kind that a service in good health does, in the background."""

    @abstractmethod
    def failing(self, service: Service) -> AbstractContextManager[None]:
        """Work that fails, in the background: of this service, or of one that takes its place for good."""

    def running(self, **configuration: str) -> AbstractContextManager[Service]:
        return self.subject.running(**{**self.limits, **configuration})


class Requests(Activity):
    """Those of an HTTP service."""

    limits: ClassVar[Mapping[str, str]] = {
        "MAX_IN_FLIGHT": str(MAX_IN_FLIGHT),
        "MEMORY_LIMIT": str(1 << 30),
        "MAX_BODY_BYTES": "1024",
    }

    @property
    def alerts(self) -> set[str]:
        return {"HTTPErrorBudgetBurn"}

    def well(self, service: Service) -> AbstractContextManager[object]:
        return repeated(lambda number: _one_of_each(service, f"user-{number}@example.com"))

    @contextmanager
    def failing(self, service: Service) -> Iterator[None]:
        """Requests that are refused, because as many as the service may answer at a time are unfinished."""
        with ExitStack() as stack:
            for _ in range(MAX_IN_FLIGHT):
                stack.enter_context(_unfinished_request(service.public))
            service.wait_until_active(MAX_IN_FLIGHT)
            stack.enter_context(repeated(lambda _: service.ask("GET", "/v1/users")))
            yield


class Calls(Activity):
    """Those of a gRPC service, over TLS, and the requests of its gateway, where it has one."""

    limits: ClassVar[Mapping[str, str]] = {"MAX_IN_FLIGHT": "100", "MEMORY_LIMIT": str(1 << 30), "MAX_BODY_BYTES": "1024"}

    @property
    def alerts(self) -> set[str]:
        return {"GRPCErrorBudgetBurn"} | (
            {"HTTPErrorBudgetBurn"} if self.subject.project.variant.answers.get("gateway") else set()
        )

    @contextmanager
    def running(self, **configuration: str) -> Iterator[Service]:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tls-")))
            made = run(["openssl", *CERTIFICATE.split(), "-keyout", "tls.key", "-out", "tls.crt"], cwd=directory)
            assert made.status == 0, made
            files = {"TLS_CERT_FILE": str(directory / "tls.crt"), "TLS_KEY_FILE": str(directory / "tls.key")}
            yield stack.enter_context(super().running(**files, **configuration))

    @contextmanager
    def well(self, service: Service) -> Iterator[None]:
        def work(number: int) -> None:
            _one_of_each_call(client, f"user-{number}@example.com")
            if service.public:
                assert [_status(service, path) for path in ("/v1/users", "/v1/users/none", "/nothing")] == [200, 404, 404]

        with self._client(service) as client, repeated(work):
            yield

    @contextmanager
    def failing(self, service: Service) -> Iterator[None]:
        """Long calls at once, for a service that takes the place of this one and may answer one at a time."""
        assert service.stop(signal.SIGTERM) == 0
        with self.running(ADMIN_ADDR=service.admin, MAX_IN_FLIGHT="1") as other, self._client(other) as client:
            for number in range(LONG_PAGE):
                client.ask("CreateUser", {"user": {"name": "Ada", "email": f"ada-{number}@example.com"}})
            with repeated(lambda _: _at_once(other, client)):
                yield

    def _client(self, service: Service) -> AbstractContextManager[calls.Calls]:
        """One that trusts the certificate that it is shown."""
        return calls.connected(self.subject.project.path, service.grpc, _certificate(service.grpc).encode())


class Jobs(Activity):
    """Those of a worker. Without a broker it makes them itself."""

    limits: ClassVar[Mapping[str, str]] = {"MEMORY_LIMIT": str(1 << 30), "GENERATE_EVERY": "20ms"}

    @property
    def alerts(self) -> set[str]:
        return {"JobsFail", "DeadLetters"} if self.subject.settings else {"JobsFail"}

    def well(self, _: Service) -> AbstractContextManager[object]:
        return repeated(self._send)

    @contextmanager
    def failing(self, service: Service) -> Iterator[None]:
        """Jobs that are larger than allowed now, for a worker that takes the place of this one."""
        assert service.stop(signal.SIGTERM) == 0
        with self.running(ADMIN_ADDR=service.admin, MAX_BODY_BYTES="1"), repeated(self._send):
            yield

    def _send(self, _: int) -> None:
        if self.subject.settings:
            send([JOB] * 10, self.subject.project, self.subject.settings)


OF_TEMPLATES: Mapping[str, Callable[[Subject], Activity]] = {
    "go-grpc-service": Calls,
    "go-http-service": Requests,
    "go-worker-pool": Jobs,
}


def activity_of(subject: Subject) -> Activity:
    """What happens to a service of the subject's template."""
    return OF_TEMPLATES[subject.project.variant.template](subject)


@contextmanager
def repeated(work: Callable[[int], object]) -> Iterator[None]:
    """Does something again and again, in the background."""
    stop = threading.Event()

    def repeat() -> None:
        for number in itertools.count():
            if stop.wait(PROBE_PERIOD):
                return
            work(number)

    with ThreadPoolExecutor(1) as executor:
        done = executor.submit(repeat)
        try:
            yield
        finally:
            stop.set()
            done.result()


def _one_of_each(service: Service, email: str) -> None:
    ada = {"name": "Ada", "email": email}
    created = service.ask("POST", "/v1/users", ada)
    path = created.headers["location"]
    statuses = [
        created.status,
        service.ask("POST", "/v1/users", ada).status,
        service.ask("POST", "/v1/users", {"name": "", "email": "nobody"}).status,
        service.ask("POST", "/v1/users", {"name": "x" * 2048, "email": email}).status,
        service.ask("GET", "/v1/users?limit=1").status,
        service.ask("GET", "/v1/users?limit=0").status,
        service.ask("GET", path).status,
        service.ask("PUT", path, ada).status,
        service.ask("DELETE", path).status,
        service.ask("GET", path).status,
        service.ask("PATCH", "/v1/users", ada).status,
        service.ask("GET", "/nothing").status,
        service.ask("GET", "/openapi.yaml").status,
    ]
    assert statuses == [201, 409, 422, 413, 200, 400, 200, 428, 204, 404, 405, 404, 200], statuses


def _at_once(service: Service, client: calls.Calls) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(_connection(service)) for _ in range(10 if service.public else 0)]
        begun = [client.begin("ListUsers", {"page_size": LONG_PAGE}) for _ in range(50)]
        for connection in connections:
            connection.request("GET", f"/v1/users?page_size={LONG_PAGE}")
        for connection in connections:
            connection.getresponse().read()
        for call in begun:
            calls.ended(call)


def _status(service: Service, path: str) -> int:
    """What a gateway answers over TLS."""
    with _connection(service) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


@contextmanager
def _connection(service: Service) -> Iterator[http.client.HTTPSConnection]:
    """One that a gateway has accepted, over TLS."""
    context = ssl.create_default_context(cadata=_certificate(service.public))
    with closing(http.client.HTTPSConnection(service.public, context=context, timeout=PATIENCE)) as connection:
        connection.connect()
        yield connection


def _certificate(address: str) -> str:
    """The one that a server shows."""
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


def _one_of_each_call(client: calls.Calls, email: str) -> None:
    ada = {"name": "Ada", "email": email}
    created = client.ask("CreateUser", {"user": ada})
    changed = {"id": created.body["user"]["id"], "version": "1", "name": "Ada Lovelace"}
    codes = [
        created.code,
        client.ask("CreateUser", {"user": ada}).code,
        client.ask("CreateUser", {"user": {"name": "", "email": "nobody"}}).code,
        client.ask("CreateUser", {"user": {"name": "x" * 2048, "email": email}}).code,
        client.ask("ListUsers", {"page_size": 1}).code,
        client.ask("ListUsers", {"page_size": -1}).code,
        client.ask("UpdateUser", {"user": changed, "update_mask": "name"}).code,
        client.ask("UpdateUser", {"user": changed, "update_mask": "name"}).code,
        client.ask("DeleteUser", {"id": changed["id"]}).code,
        client.ask("GetUser", {"id": changed["id"]}).code,
    ]
    assert codes == [
        "OK",
        "ALREADY_EXISTS",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "OK",
        "INVALID_ARGUMENT",
        "OK",
        "ABORTED",
        "OK",
        "NOT_FOUND",
    ], codes
    # Where the service notices first that the time is over, it resets the stream, which to the client is a cancellation.
    assert client.ask("WatchUsers", within=PROBE_PERIOD).code in {"DEADLINE_EXCEEDED", "CANCELLED"}


@contextmanager
def _unfinished_request(address: str) -> Iterator[None]:
    connection = http.client.HTTPConnection(address)
    try:
        connection.putrequest("POST", "/v1/users")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        yield
    finally:
        connection.close()
