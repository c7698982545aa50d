"""A client of a gRPC service in another language than Go: the code that protoc makes for Python of its .proto files."""

import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc_tools
from google.protobuf import json_format
from grpc_tools import protoc

from tests.generated.service import PATIENCE, Service

PROTO = "user/v1/user.proto"
SERVICE = "user.v1.UserService"

HEALTH = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")

Message = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """How a call ended. Messages are as in JSON, with the names of the .proto file."""

    code: str
    body: Message


class Calls:
    """A client with one connection. `users` is the client as it was generated, for the messages of `api_of`."""

    def __init__(self, api: Any, channel: grpc.Channel) -> None:
        self.users = api.UserServiceStub(channel)
        self._api = api
        self._channel = channel

    def ask(
        self,
        method: str,
        request: Message | None = None,
        *,
        within: float = PATIENCE,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> Reply:
        """Makes a call, and waits for its end. The messages of a stream are left out."""
        return ended(self.begin(method, request, within=within, metadata=metadata))

    def begin(
        self, method: str, request: Message | None = None, *, within: float = PATIENCE, metadata: Sequence[tuple[str, str]] = ()
    ) -> Any:
        """Begins a call."""
        make = getattr(self.users, method)
        message = json_format.ParseDict(request or {}, getattr(self._api, f"{method}Request")())
        return getattr(make, "future", make)(message, timeout=within, metadata=metadata)  # a stream has none

    def watch_health(self, service: str = SERVICE) -> Iterator[str]:
        """The health of a service and each change of it, by grpc.health.v1, until the service ends that."""
        watch = self._channel.unary_stream("/grpc.health.v1.Health/Watch", request_serializer=bytes, response_deserializer=bytes)
        answers = watch(b"\x0a" + bytes([len(service)]) + service.encode(), timeout=PATIENCE)  # field 1, a string
        return (HEALTH[answer[1] if answer else 0] for answer in answers)  # field 1, an enumeration


def ended(call: Any) -> Reply:
    """The end of a call that was begun."""
    try:
        body = call.result()
    except grpc.RpcError:
        body = None
    return Reply(call.code().name, {} if body is None else as_json(body))


def as_json(message: Any) -> Message:
    """A message of the API as in JSON, with the names of the .proto file."""
    decoded: Message = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return decoded


def handled(service: Service, method: str, code: str, kind: str = "unary") -> float:
    """How many calls of a method have ended with a code, as the service counts them."""
    labels = f'grpc_code="{code}",grpc_method="{method}",grpc_service="{SERVICE}",grpc_type="{kind}"'
    return service.metric(f"grpc_server_handled_total{{{labels}}}")


def active(service: Service, kind: str = "unary") -> float:
    """How many calls have begun and not ended."""
    return service.metric(f'grpc_server_active_calls{{grpc_service="{SERVICE}",grpc_type="{kind}"}}')


def api_of(project: Path) -> Any:
    """The messages and the client that are generated of a project's .proto file."""
    return _generated((project / "proto" / PROTO).read_text(encoding="utf-8"))


@cache
def _generated(text: str) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        proto = Path(directory, PROTO)
        proto.parent.mkdir(parents=True)
        proto.write_text(text, encoding="utf-8")
        included = Path(grpc_tools.__file__).parent / "_proto"
        arguments = [f"-I{directory}", f"-I{included}", f"--python_out={directory}", f"--grpc_python_out={directory}", PROTO]
        assert protoc.main(["protoc", *arguments]) == 0
        sys.path.insert(0, directory)
        try:
            messages, calls = (importlib.import_module(f"user.v1.{name}") for name in ("user_pb2", "user_pb2_grpc"))
        finally:
            sys.path.remove(directory)
    return SimpleNamespace(**vars(messages), UserServiceStub=calls.UserServiceStub)


@contextmanager
def connected(
    project: Path, address: str, authority: bytes | None = None, identity: tuple[bytes, bytes] | None = None
) -> Iterator[Calls]:
    """A client of a service, over TLS where there is an authority to trust; then the identity is its own key and certificate."""
    key, certificate = identity or (None, None)
    secure = authority and grpc.ssl_channel_credentials(authority, key, certificate)
    with grpc.secure_channel(address, secure) if secure else grpc.insecure_channel(address) as channel:
        yield Calls(api_of(project), channel)
