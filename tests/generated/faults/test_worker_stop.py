"""Workers that are stopped under load, again and again, lose no job."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.generated.faults.worker import Worker
from tests.generated.service import eventually

pytestmark = pytest.mark.go

STOPS = 50

JOBS = 3000

HURRIED = {"SHUTDOWN_TIMEOUT": "1ms", "REQUEST_TIMEOUT": "1h", "PACE": "1h"}
"""A worker that is stopped while all its jobs are far from done."""


def test_no_job_is_lost_in_fifty_stops(worker: Worker) -> None:
    """Every fifth stop has no time for the jobs that were taken: they are given back, and nothing else is done twice."""
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(worker.send, [f"{number} 20ms" for number in range(JOBS)])
        completed = 0.0
        for number in range(STOPS):
            hurried = number % 5 == 0
            status, ended = start_and_stop(worker, **HURRIED if hurried else {})
            assert ended["failed"] == 0
            assert ended["accepted"] == ended["completed"] + ended["abandoned"]
            assert (status, ended["abandoned"]) == ((1, ended["accepted"]) if hurried else (0, 0))
            completed += ended["completed"]
        sending.result()
    assert completed < JOBS, "there was no load until the end"

    with worker.running() as service:
        worker.wait_until_done(JOBS)
        worker.wait_until_settled()
        completed += service.metric('worker_jobs_total{outcome="completed"}')
        assert service.stop(signal.SIGTERM) == 0
    assert completed == JOBS
    assert worker.done == {str(number): 1 for number in range(JOBS)}
    assert worker.broker.dead_letters(worker.jobs) == []


def start_and_stop(worker: Worker, **configuration: str) -> tuple[int, dict[str, Any]]:
    """Stops a worker as soon as it has taken jobs. Returns its exit code, and what it says about them."""
    with worker.running(**configuration) as service:
        eventually(lambda: service.metric("worker_jobs_accepted_total") > 0)
        status = service.stop(signal.SIGTERM)
        return status, next(record for record in service.rest_of_log() if record["msg"] == "jobs ended")
