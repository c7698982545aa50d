"""Workers that come and go share the partitions of Kafka anew each time, and none does what another has done."""

import signal
from itertools import count, islice

import pytest

from tests.generated.faults.worker import Worker
from tests.generated.service import Service, eventually

pytestmark = pytest.mark.go


@pytest.mark.parametrize("own_broker", ["kafka"], indirect=True)
def test_rebalance_repeats_and_loses_nothing(worker: Worker) -> None:
    jobs = (f"{number} 20ms" for number in count())

    def has_jobs_of(service: Service) -> bool:
        worker.send(islice(jobs, 100))
        return service.metric("worker_jobs_accepted_total") > 0

    with worker.running() as first:
        eventually(lambda: has_jobs_of(first))
        with worker.running() as second:
            eventually(lambda: has_jobs_of(second))
            worker.send(islice(jobs, 200))
            assert first.stop(signal.SIGTERM) == 0
            sent = int(next(jobs).split()[0])
            worker.wait_until_done(sent)
            worker.wait_until_settled()
            assert second.stop(signal.SIGTERM) == 0
    assert worker.done == {str(number): 1 for number in range(sent)}
