"""The REST of a gRPC service answers as an HTTP service does: with the same statuses, media types and headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.generated.service import Answer, Service
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}
EVE = {"name": "Eve", "email": "eve@example.com"}
NOBODY = "/v1/users/01890000-0000-7000-8000-000000000000"
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}

COMPARED = ("content-type", "etag", "allow", "retry-after", "x-content-type-options")


@dataclass(frozen=True)
class Request:
    """A request; `{ada}` in its path is the path of a user of version 1, who is there before."""

    method: str
    path: str
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.method, self.path, *self.headers.values(), "" if self.body is None else json.dumps(self.body)[:60]])


def change(status: int, condition: str, body: object) -> Request:
    return Request("PATCH", "{ada}", status, body, {**MERGE_PATCH, "If-Match": condition})


REQUESTS = [
    Request("POST", "/v1/users", 201, EVE),
    Request("POST", "/v1/users", 409, {**EVE, "email": "ADA@example.com"}),
    Request("POST", "/v1/users", 422, {"name": "", "email": "no address"}),
    Request("POST", "/v1/users", 422, {}),
    Request("POST", "/v1/users", 400, {**EVE, "nickname": "Evi"}),
    Request("POST", "/v1/users", 400, {**EVE, "name": 7}),
    Request("POST", "/v1/users", 400, [EVE]),
    Request("POST", "/v1/users", 415, EVE, {"Content-Type": "text/plain"}),
    Request("POST", "/v1/users", 415, EVE, MERGE_PATCH),
    Request("POST", "/v1/users", 413, {**EVE, "name": "e" * (1 << 20)}),
    Request("GET", "/v1/users", 200),
    Request("GET", "{ada}", 200),
    Request("GET", "{ada}", 200, headers={"If-Match": "1"}),
    Request("HEAD", "{ada}", 200),
    Request("HEAD", NOBODY, 404),
    Request("GET", NOBODY, 404),
    Request("GET", "/v1/users/1", 404),
    Request("GET", "/v1/nothing", 404),
    Request("POST", "{ada}", 405, EVE),
    Request("DELETE", "/v1/users", 405),
    change(200, '"1"', {"name": "Eve"}),
    change(200, "*", {"name": "Eve"}),
    change(200, '"7", "1"', {"name": "Eve"}),
    change(412, '"2"', {"name": "Eve"}),
    change(412, '"0"', {"name": "Eve"}),
    change(412, 'W/"1"', {"name": "Eve"}),
    change(400, "1", {"name": "Eve"}),
    change(422, '"1"', {"name": ""}),
    Request("PATCH", "{ada}", 428, {"name": "Eve"}, MERGE_PATCH),
    Request("PATCH", "{ada}", 415, {"name": "Eve"}, {"Content-Type": "text/plain", "If-Match": '"1"'}),
    Request("PATCH", NOBODY, 404, {"name": "Eve"}, {**MERGE_PATCH, "If-Match": '"1"'}),
    Request("DELETE", "{ada}", 204),
    Request("DELETE", "{ada}", 204, headers={"If-Match": '"1"'}),
    Request("DELETE", "{ada}", 412, headers={"If-Match": '"2"'}),
    Request("DELETE", "{ada}", 412, headers={"If-Match": '"0"'}),
    Request("DELETE", NOBODY, 404),
]

# PUT is not in the API of calls, which changes what a mask names.
DIFFERENT = {"allow": {"GET, HEAD, PUT, PATCH, DELETE": "GET, HEAD, PATCH, DELETE"}}


@pytest.fixture
def http_service(shared: Shared) -> Subject:
    return Subject(Project(render_variant(shared, one_with_each("go-http-service", "database")["none"]), shared))


@pytest.fixture
def rest_service(shared: Shared, database: str) -> Subject:
    project = Project(render_variant(shared, one_with_each("go-grpc-service", "gateway")[True]), shared)
    subject = Subject(project, {"DATABASE_URL": database})
    if project.has_database:
        assert subject.run("migrate").status == 0
    return subject


def answer(service: Service, request: Request) -> Answer:
    """What a service answers that has nobody but Ada."""
    created = service.ask("POST", "/v1/users", ADA)
    assert created.status == 201, created
    ada = created.headers["location"]
    got = service.ask(request.method, request.path.format(ada=ada), request.body, headers=request.headers)
    for user in (ada, got.headers.get("location")):
        if user:
            service.ask("DELETE", user)
    return got


def test_rest_answers_as_an_http_service(http_service: Subject, rest_service: Subject) -> None:
    with http_service.running() as over_http, rest_service.running() as by_rest:
        by_rest.wait_until_ready()
        for request in REQUESTS:
            wanted, got = answer(over_http, request), answer(by_rest, request)
            assert (str(request), wanted.status, got.status) == (str(request), request.status, request.status)
            for name in COMPARED:
                same = wanted.headers.get(name, "")
                expected = DIFFERENT.get(name, {}).get(same, same)
                assert (str(request), name, got.headers.get(name, "")) == (str(request), name, expected)
            if request.status >= 400 and request.method != "HEAD":
                members = wanted.body.keys() - ({"errors"} if request.status == 400 else set())  # by REST in the detail
                assert got.body.keys() >= members, request
