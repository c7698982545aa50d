"""A worker, built, started, given jobs and stopped: with jobs that it makes up, and with every broker."""

import signal
from collections.abc import Callable

import pytest

from tests.generated.conftest import Project, Settings
from tests.generated.deploy.jobs import send
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually
from tests.rendering import render_variant
from tests.support import Shared
from tests.variants import one_with_each

pytestmark = pytest.mark.go

VARIANTS = one_with_each("go-worker-pool", "source")
BROKERS = [source for source in VARIANTS if source != "none"]

JOBS = ['{"text": "one"}', '{"text": "one two"}', '{"text": "one two three"}']
INVALID = '{"text": 1}'


def made(shared: Shared, source: str) -> Project:
    return Project(render_variant(shared, VARIANTS[source]), shared)


def test_a_worker_without_a_broker_makes_up_its_jobs(shared: Shared) -> None:
    subject = Subject(made(shared, "none"), {"GENERATE_EVERY": "10ms"})
    with subject.running() as service:
        assert service.public == ""
        assert service.ask("GET", "/livez", admin=True).status == 200
        assert service.ask("GET", "/readyz", admin=True).status == 200
        assert subject.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        eventually(lambda: outcomes(service, "completed") > 1)
        assert service.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("source", BROKERS)
def test_a_worker_does_what_is_sent_and_gives_up_what_cannot_be_done(
    source: str, shared: Shared, settings_of: Callable[[Project], Settings]
) -> None:
    project = made(shared, source)
    subject = Subject(project, settings_of(project))
    with subject.running() as service:
        send([*JOBS, INVALID], project, subject.settings)
        eventually(lambda: outcomes(service, "completed") == len(JOBS))
        eventually(lambda: service.metric('worker_settlements_total{settlement="buried"}') == 1)
        assert subject.run("healthcheck", ADMIN_ADDR=service.admin).status == 0
        assert service.stop(signal.SIGTERM) == 0

    with subject.running() as restarted:
        send(JOBS[:1], project, subject.settings)
        eventually(lambda: outcomes(restarted, "completed") == 1)
        assert restarted.metric("worker_jobs_accepted_total") == 1  # nothing of what was settled comes again
        assert restarted.stop(signal.SIGINT) == 0


def outcomes(service: Service, outcome: str) -> float:
    return service.metric(f'worker_jobs_total{{outcome="{outcome}"}}')
