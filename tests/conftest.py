"""What holds for every test: an own home, no skips under PROOF=full; and the renderings that tests of templates share."""

import os
import signal
from collections.abc import Generator, Iterator

import pytest
from coverage import Coverage

from tests.generated.deploy.apiserver import Kubernetes, running_api_server
from tests.gotools import MAKE
from tests.support import PROOF_IS_FULL, Shared

ISOLATED = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_DATA_HOME": "home/.local/share",
    "COPIER_CACHE_DIR": "home/.cache/copier",
    "GIT_CONFIG_GLOBAL": "home/.gitconfig",
}


SUBPROCESSES = "COVERAGE_PROCESS_CONFIG"
"""The variable by which programs that tests start are measured, too."""

UNMEASURED = (
    "benchmarks",
    "core/test_killed.py",
    "docs",
    "generated",
    "modules",
    "templates",
    "update/test_built.py",
    "update/test_edits.py",
    "update/test_handover.py",
    "update/test_interrupted.py",
    "update/test_killed.py",
    "update/test_releases.py",
    "update/test_set_features.py",
)
"""The tests whose coverage is not measured, which takes a third more time: they do what others do, too, more often."""


def pytest_configure() -> None:
    """Before gRPC is imported: what it does at a fork ends some of those that only become other programs (grpc/grpc#13873)."""
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


@pytest.fixture(scope="session", autouse=True)
def isolation(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """No test sees or touches the developer's own configuration, git identity or terminal."""
    # What runs in the background ignores Ctrl-C, and under nohup the end of its terminal: so would the programs under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    place = tmp_path_factory.mktemp("isolated")
    (place / "home").mkdir()
    (place / "home/.gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GIT_", "COPIER_", *MAKE))]:
            patch.delenv(name)
        for name, path in ISOLATED.items():
            patch.setenv(name, str(place / path))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("NO_COLOR", "1")
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Shared:
    """Where the workers of this session share what they made."""
    base = tmp_path_factory.getbasetemp()
    return Shared((base.parent if hasattr(request.config, "workerinput") else base) / "shared")


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Kubernetes]:
    """One API server for each worker."""
    with running_api_server() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    measuring = Coverage.current()
    if measuring is None or not item.nodeid.startswith(tuple(f"tests/{path}" for path in UNMEASURED)):
        return (yield)
    measuring.stop()
    settings = os.environ.pop(SUBPROCESSES, None)
    try:
        return (yield)
    finally:
        if settings is not None:
            os.environ[SUBPROCESSES] = settings
        measuring.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if PROOF_IS_FULL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which PROOF=full does not allow: {call.excinfo.value if call.excinfo else ''}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if PROOF_IS_FULL and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} is skipped, which PROOF=full does not allow"
    return report
