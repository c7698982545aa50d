"""What a variant's service needs to start, if anything: a database or a broker."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module

from tests.generated.brokers import Server
from tests.variants import Variant


@dataclass(frozen=True)
class Dependency:
    """A server that a service needs."""

    kind: str
    variable: str
    """Tells the service where the server is."""

    port: int


DEPENDENCIES = {
    "postgres": Dependency("database", "DATABASE_URL", 5432),
    "nats": Dependency("broker", "NATS_URL", 4222),
    "kafka": Dependency("broker", "KAFKA_BROKERS", 9092),
    "rabbitmq": Dependency("broker", "RABBITMQ_URL", 5672),
    "redis": Dependency("broker", "REDIS_URL", 6379),
}


def dependency_of(variant: Variant) -> Dependency | None:
    """What the answers say."""
    options = dict(variant.options)
    return next((DEPENDENCIES[str(options[key])] for key in ("database", "source") if options.get(key, "none") != "none"), None)


def running_broker(source: str) -> AbstractContextManager[Server]:
    """Starts the broker that an answer names, within the context."""
    started: AbstractContextManager[Server] = import_module(f"tests.generated.brokers.{source}").running_server()
    return started
