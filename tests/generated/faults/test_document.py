"""The service behaves as its OpenAPI document says, whatever schemathesis asks of it: alone, and one request after the other."""

import os
import re
import signal
import sysconfig
from pathlib import Path

import pytest

from tests.generated.faults.subject import Subject
from tests.support import run

pytestmark = pytest.mark.go

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "schemathesis"

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")

PHASES = ["Examples", "Coverage", "Fuzzing", "Stateful"]


def test_service_does_as_its_document_says(subject: Subject, tmp_path: Path) -> None:
    with subject.running() as service:
        command: list[str | Path] = [
            SCHEMATHESIS,
            "--config-file",
            CONFIGURATION,
            "--no-color",
            "run",
            f"http://{service.public}/openapi.yaml",
        ]
        tested = run(command, cwd=tmp_path, env=os.environ)

        assert tested.status == 0, tested
        assert re.findall(r"✅  (\w+) \(in", tested.output) == PHASES, tested
        assert re.search(r"API Links: +([1-9]\d*) covered", tested.output), tested
        assert service.metric("panics_total") == 0
        assert service.stop(signal.SIGTERM) == 0
