"""What a job can do to its worker, and a worker to its jobs: each is done, or found among the dead letters."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.generated.faults.replay import send_back
from tests.generated.faults.worker import QUEUE, WORKERS, Worker
from tests.generated.service import Service, eventually

pytestmark = pytest.mark.go

FLOOD = 30_000

BODY = 4096
"""The bytes of one message of the flood."""


def test_killed_worker_has_its_job_delivered_once_more(worker: Worker) -> None:
    few = {"WORKERS": "1", "QUEUE": "2", "REQUEST_TIMEOUT": "3s"}  # so that no broker waits long for what the killed one had
    with worker.running(**few) as killed:
        worker.send(["a wait"])
        worker.wait_until_begun("a")
        assert killed.stop(signal.SIGKILL) == -signal.SIGKILL

    worker.open_gate()
    with worker.running(**few) as service:
        worker.send(["b"])
        worker.wait_until_done(2)
        worker.wait_until_settled()
        assert service.stop(signal.SIGTERM) == 0
    assert worker.begun == {"a": 2, "b": 1}
    assert worker.done == {"a": 1, "b": 1}


def test_poison_ends_among_the_dead_letters(worker: Worker) -> None:
    too_large = "large 1ms" + 200 * " "
    with worker.running(MAX_BODY_BYTES="200") as service:
        worker.send(["bad fail", "invalid refuse", too_large, *(str(number) for number in range(50))])
        eventually(lambda: service.metric('worker_settlements_total{settlement="buried"}') == 3)
        worker.wait_until_done(50)
        worker.wait_until_settled()
        assert service.metric('worker_settlements_total{settlement="retried"}') == 2
        assert service.metric('worker_settlements_total{settlement="acked"}') == 50
        assert service.metric("worker_settlement_failures_total") == 0
        assert service.stop(signal.SIGTERM) == 0

    assert sorted(worker.broker.dead_letters(worker.jobs)) == sorted([b"bad fail", b"invalid refuse", too_large.encode()])
    assert worker.begun == worker.done + Counter(bad=3, invalid=1)
    assert set(worker.done.values()) == {1}


@pytest.mark.parametrize("own_broker", ["nats", "rabbitmq", "redis"], indirect=True)
def test_job_that_ends_its_worker_is_a_dead_letter_and_counted(worker: Worker) -> None:
    settings = {"WORKERS": "1", "QUEUE": "2", "REQUEST_TIMEOUT": "3s", "MAX_ATTEMPTS": "1"}
    with worker.running(**settings) as killed:
        worker.send(["a wait"])
        worker.wait_until_begun("a")
        assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    with worker.running(**settings) as service:
        eventually(lambda: service.metric('worker_settlements_total{settlement="buried"}') == 1)
        worker.wait_until_settled()
        assert service.metric("worker_settlement_failures_total") == 0
        assert service.stop(signal.SIGTERM) == 0
    assert worker.broker.dead_letters(worker.jobs) == [b"a wait"]
    assert worker.begun == {"a": 1}


def test_dead_letter_that_is_sent_back_has_all_its_attempts_again(worker: Worker) -> None:
    with worker.running() as service:
        worker.send_whole(b"\na fail-5\n")
        eventually(lambda: service.metric('worker_settlements_total{settlement="buried"}') == 1)
        assert worker.begun == {"a": 3}
        send_back(worker)
        worker.wait_until_done(1)
        worker.wait_until_settled()
        assert service.stop(signal.SIGTERM) == 0
    assert worker.begun == {"a": 6}
    assert worker.done == {"a": 1}


def test_flood_is_held_back(worker: Worker) -> None:
    worker.send(f"{number} wait".ljust(BODY) for number in range(FLOOD))
    with worker.running(REQUEST_TIMEOUT="1m") as service:
        eventually(lambda: service.metric("worker_queue_depth") == QUEUE)
        assert service.metric("worker_in_flight") == WORKERS
        assert service.metric("worker_jobs_accepted_total") == WORKERS + QUEUE
        assert worker.broker.left(worker.jobs) == FLOOD
        worker.open_gate()
        memory = [service.resident_memory(), *memory_until_done(service, FLOOD)]
        worker.wait_until_settled()
        assert service.stop(signal.SIGTERM) == 0
    assert max(memory) < FLOOD * BODY / 2
    assert len(worker.done) == FLOOD
    assert set(worker.done.values()) == {1}


def memory_until_done(service: Service, jobs: int) -> Iterator[int]:
    """The memory that a worker occupies while it goes on with its jobs, until that many are done."""
    done = 0.0

    def goes_on() -> bool:
        return service.metric('worker_jobs_total{outcome="completed"}') > done

    while done < jobs:
        eventually(goes_on)
        done = service.metric('worker_jobs_total{outcome="completed"}')
        yield service.resident_memory()
