"""A gRPC service and a client that protoc has generated for another language from its .proto files."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.generated.calls import api_of, connected
from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.generated.service import PATIENCE
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

DETAILS = {
    "type.googleapis.com/google.rpc.BadRequest": error_details_pb2.BadRequest,
    "type.googleapis.com/google.rpc.ErrorInfo": error_details_pb2.ErrorInfo,
    "type.googleapis.com/google.rpc.RetryInfo": error_details_pb2.RetryInfo,
}

UNKNOWN = "0190b8a0-0000-7000-8000-000000000000"

BODY_LIMIT = 1024

NAME = ("user.name", "must have 1 to 200 characters")
EMAIL = ("user.email", "must be a bare address such as ada@example.com")


@pytest.fixture(scope="session")
def subject(shared: Shared) -> Subject:
    variant = one_with_each("go-grpc-service", "database")["none"]
    return Subject(Project(render_variant(shared, variant), shared))


@pytest.fixture(scope="session")
def api(subject: Subject) -> Any:
    """The generated messages."""
    return api_of(subject.project.path)


@pytest.fixture
def users(subject: Subject) -> Iterator[Any]:
    """The generated client of a service without users."""
    with (
        subject.running(MAX_IN_FLIGHT="1", MAX_BODY_BYTES=str(BODY_LIMIT)) as service,
        connected(subject.project.path, service.grpc) as client,
    ):
        yield client.users


def test_life_of_a_user(subject: Subject, api: Any) -> None:
    with subject.running() as service:
        with connected(subject.project.path, service.grpc) as client:
            users = client.users
            ada = create(users, api, "ada")
            assert (ada.name, ada.email, ada.version, ada.created_at) == ("ada", "ada@example.com", 1, ada.updated_at)
            assert users.GetUser(api.GetUserRequest(id=ada.id), timeout=PATIENCE).user == ada

            changed = api.User(id=ada.id, version=1, name="Ada Lovelace", email="not looked at")
            request = api.UpdateUserRequest(user=changed, update_mask=FieldMask(paths=["name"]))
            updated = users.UpdateUser(request, timeout=PATIENCE).user
            assert (updated.name, updated.email, updated.version) == ("Ada Lovelace", "ada@example.com", 2)
            assert updated.updated_at.ToDatetime() > ada.updated_at.ToDatetime()

            users.DeleteUser(api.DeleteUserRequest(id=ada.id, version=2), timeout=PATIENCE)
            assert failure(lambda: users.GetUser(api.GetUserRequest(id=ada.id), timeout=PATIENCE))[0] == "NOT_FOUND"
        assert service.stop(signal.SIGTERM) == 0


def test_pages_follow_each_other(users: Any, api: Any) -> None:
    created = [create(users, api, name).id for name in ("ada", "bob", "eve", "joe", "zoe")]

    pages: list[list[str]] = []
    token = ""
    while not pages or token:
        page = users.ListUsers(api.ListUsersRequest(page_size=2, page_token=token), timeout=PATIENCE)
        pages.append([user.id for user in page.users])
        token = page.next_page_token

    assert pages == [created[:2], created[2:4], created[4:]]


def test_a_watch_sees_every_change_that_follows_its_headers(users: Any, api: Any) -> None:
    before = create(users, api, "before")
    watch = users.WatchUsers(api.WatchUsersRequest(), timeout=PATIENCE)
    assert watch.initial_metadata() is not None

    ada = create(users, api, "ada")
    eve = users.UpdateUser(api.UpdateUserRequest(user=api.User(id=ada.id, version=1, name="Eve")), timeout=PATIENCE).user
    users.DeleteUser(api.DeleteUserRequest(id=before.id), timeout=PATIENCE)

    kinds = api.WatchUsersResponse
    seen = [(change.kind, change.user) for _, change in zip(range(3), watch, strict=False)]
    assert seen == [(kinds.KIND_CREATED, ada), (kinds.KIND_UPDATED, eve), (kinds.KIND_DELETED, before)]
    watch.cancel()


def test_a_wrong_request_is_told_every_field(users: Any, api: Any) -> None:
    code, (broken,) = failure(lambda: users.CreateUser(api.CreateUserRequest(), timeout=PATIENCE))

    assert code == "INVALID_ARGUMENT"
    assert [(violation.field, violation.description) for violation in broken.field_violations] == [NAME, EMAIL]


@pytest.mark.parametrize(
    ("method", "request_of", "code", "reason"),
    [
        ("GetUser", lambda api, _: api.GetUserRequest(id=UNKNOWN), "NOT_FOUND", "USER_NOT_FOUND"),
        ("GetUser", lambda api, _: api.GetUserRequest(id="1"), "NOT_FOUND", "USER_NOT_FOUND"),
        ("DeleteUser", lambda api, _: api.DeleteUserRequest(id=UNKNOWN), "NOT_FOUND", "USER_NOT_FOUND"),
        (
            "CreateUser",
            lambda api, _: api.CreateUserRequest(user=api.User(name="Ada", email="ADA@example.com")),
            "ALREADY_EXISTS",
            "EMAIL_TAKEN",
        ),
        (
            "UpdateUser",
            lambda api, ada: api.UpdateUserRequest(user=api.User(id=ada.id, version=7, name="Eve")),
            "ABORTED",
            "VERSION_CONFLICT",
        ),
        ("DeleteUser", lambda api, ada: api.DeleteUserRequest(id=ada.id, version=7), "ABORTED", "VERSION_CONFLICT"),
    ],
    ids=["get unknown", "get no UUID", "delete unknown", "create taken", "update stale", "delete stale"],
)
def test_a_program_can_tell_errors_apart(
    method: str, request_of: Callable[[Any, Any], Any], code: str, reason: str, *, users: Any, api: Any
) -> None:
    ada = create(users, api, "ada")

    said, (info,) = failure(lambda: getattr(users, method)(request_of(api, ada), timeout=PATIENCE))

    assert (said, info.reason, info.domain) == (code, reason, "user.v1.UserService")


@pytest.mark.parametrize(
    ("method", "field"),
    [("ListUsers", "page_size"), ("ListUsers", "page_token"), ("UpdateUser", "user.version"), ("UpdateUser", "update_mask")],
)
def test_the_field_of_a_wrong_request_is_named(method: str, field: str, users: Any, api: Any) -> None:
    request = {
        "page_size": api.ListUsersRequest(page_size=-1),
        "page_token": api.ListUsersRequest(page_token="abc"),
        "user.version": api.UpdateUserRequest(user=api.User(id=UNKNOWN, name="Eve")),
        "update_mask": api.UpdateUserRequest(user=api.User(id=UNKNOWN, version=1), update_mask=FieldMask(paths=["id"])),
    }[field]

    code, (broken,) = failure(lambda: getattr(users, method)(request, timeout=PATIENCE))

    assert (code, [violation.field for violation in broken.field_violations]) == ("INVALID_ARGUMENT", [field])


def test_over_the_limit_the_client_is_told_when_to_try_again(users: Any, api: Any) -> None:
    first = users.WatchUsers(api.WatchUsersRequest(), timeout=PATIENCE)
    assert first.initial_metadata() is not None

    code, (retry,) = failure(lambda: next(users.WatchUsers(api.WatchUsersRequest(), timeout=PATIENCE)))

    assert (code, retry.retry_delay.ToSeconds()) == ("UNAVAILABLE", 1)
    first.cancel()


def test_limits_of_time_and_size(users: Any, api: Any) -> None:
    watch = users.WatchUsers(api.WatchUsersRequest(), timeout=0.1)
    # Where the service notices first that the time is over, it resets the stream, which to the client is a cancellation.
    assert failure(lambda: next(watch))[0] in {"DEADLINE_EXCEEDED", "CANCELLED"}

    long = api.CreateUserRequest(user=api.User(name="a" * BODY_LIMIT))
    assert failure(lambda: users.CreateUser(long, timeout=PATIENCE))[0] == "RESOURCE_EXHAUSTED"


def create(users: Any, api: Any, name: str) -> Any:
    request = api.CreateUserRequest(user=api.User(name=name, email=f"{name}@example.com"))
    return users.CreateUser(request, timeout=PATIENCE).user


def failure(call: Callable[[], Any]) -> tuple[str, list[Any]]:
    """How a call fails: the name of its code, and the details, decoded."""
    with pytest.raises(grpc.RpcError) as failed:
        call()
    error: Any = failed.value
    details = []
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        detail = DETAILS[packed.type_url]()
        assert packed.Unpack(detail)
        details.append(detail)
    return error.code().name, details
