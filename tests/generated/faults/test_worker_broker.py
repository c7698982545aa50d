"""A broker that crashes or hangs costs time, and neither the worker nor a job."""

import re
import signal
import subprocess
from contextlib import ExitStack

import pytest

from tests.generated.faults.worker import QUEUE, WORKERS, Worker
from tests.generated.service import ANY_PORT, Service, eventually, followed
from tests.gotools import environment

pytestmark = pytest.mark.go

UNSETTLED = WORKERS + QUEUE + 1
"""How many messages a worker has at most: one of them waits for a place in the queue."""

FETCHED_AHEAD = {"kafka"}
"""Of these brokers a worker has more, and goes on while it cannot commit what it has done: that is done again."""


FORGETFUL = {"rabbitmq"}
"""A crash makes RabbitMQ 3.10 lose the queues that were made in the seconds before it; an orderly stop writes them down."""


def numbered(first: int, last: int, how: str = "20ms") -> list[str]:
    return [f"{number} {how}" for number in range(first, last)]


def assert_alive(service: Service) -> None:
    assert service.ask("GET", "/livez", admin=True).status == 200
    assert service.metric("panics_total") == 0


def test_nothing_is_lost_when_the_broker_crashes(worker: Worker) -> None:
    with worker.running() as service:
        if worker.source in FORGETFUL:
            worker.broker.stop()
            worker.broker.start()
            service.wait_until_ready()
        worker.send(numbered(0, 300))
        worker.wait_until_done(50)
        worker.broker.kill()
        eventually(lambda: not service.is_ready())
        assert_alive(service)

        worker.broker.start()
        service.wait_until_ready()
        worker.send(numbered(300, 400))
        worker.wait_until_done(400)
        worker.wait_until_settled()
        assert_alive(service)
        assert service.stop(signal.SIGTERM) == 0

    again = sum(worker.done.values()) - 400
    assert again <= (300 if worker.source in FETCHED_AHEAD else UNSETTLED), "more was done again than can have been unsettled"
    assert worker.broker.dead_letters(worker.jobs) == []


def test_nothing_is_lost_when_the_broker_hangs(worker: Worker) -> None:
    with worker.running() as service:
        worker.send(numbered(0, 200))
        worker.wait_until_done(50)
        with worker.broker.frozen():
            eventually(lambda: not service.is_ready())
            assert_alive(service)

        service.wait_until_ready()
        worker.wait_until_done(200)
        worker.wait_until_settled()
        assert_alive(service)
        assert service.stop(signal.SIGTERM) == 0


def test_worker_stops_while_the_broker_hangs(worker: Worker) -> None:
    with worker.running(SHUTDOWN_TIMEOUT="1s") as service:
        worker.send(numbered(0, 200))
        worker.wait_until_done(50)
        with worker.broker.frozen():
            eventually(lambda: not service.is_ready())
            assert service.stop(signal.SIGTERM) in {0, 1}


def test_worker_without_a_broker_waits_for_it_and_says_so(worker: Worker) -> None:
    with ExitStack() as stack:
        worker.broker.stop()
        try:
            failed = worker.run(**ANY_PORT, START_TIMEOUT="1s")
            process = subprocess.Popen(
                [worker.programs / "worker"],
                env=environment() | ANY_PORT | worker.settings | {"START_TIMEOUT": "5m"},
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            stack.callback(process.kill)
            assert process.stderr is not None
            assert "broker does not answer" in process.stderr.readline()
        finally:
            worker.broker.start()
        with followed(process) as service:
            worker.send(["a"])
            worker.wait_until_done(1)
            assert service.stop(signal.SIGTERM) == 0

    assert failed.status == 1
    *waiting, reason = failed.output.splitlines()
    assert sum("broker does not answer" in line for line in waiting) > 1
    assert reason.startswith("user-service: serve: open broker: wait 1s for the broker: ")
    assert re.search(r"127\.0\.0\.1:\d+", reason)
