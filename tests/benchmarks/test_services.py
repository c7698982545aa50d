from pathlib import Path

import pytest

from benchmarks.brokers import BROKERS, make_worker
from benchmarks.generators import gopherforge
from benchmarks.servers import build, make_service
from tests.support import program

pytestmark = pytest.mark.go


@pytest.mark.parametrize(
    ("overlay", "database", "programs"), [("memory", "none", ["bare", "collector"]), ("postgres", "postgres", ["pgxpool"])]
)
def test_what_a_service_is_compared_with_builds(tmp_path: Path, overlay: str, database: str, programs: list[str]) -> None:
    program("go")
    project = make_service(tmp_path / "service", overlay=overlay, database=database)

    assert all(build(project, f"./cmd/{name}").exists() for name in programs)


@pytest.mark.parametrize("source", BROKERS)
def test_what_a_worker_is_compared_with_builds(tmp_path: Path, source: str) -> None:
    program("go")
    project = make_worker(tmp_path / "worker", source)

    assert all(build(project, f"./cmd/{name}").exists() for name in ("bare", "fill", "worker"))


def test_the_service_with_the_endpoint_of_the_peers_builds(tmp_path: Path) -> None:
    program("go")
    peer = gopherforge()

    assert build(peer.make(tmp_path), peer.package).exists()
