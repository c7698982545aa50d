"""The fuzz targets of a service find nothing, run by the service's own verb: shortly, or as long as FUZZTIME says."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.generated.faults.conftest import GRPC, HTTP
from tests.generated.faults.subject import Subject
from tests.gotools import environment
from tests.support import program, run

pytestmark = pytest.mark.go

FUZZTIME = os.environ.get("FUZZTIME", "")

SHORTLY = "1000x"

FUZZED = [variant for variant in [*HTTP, *GRPC] if FUZZTIME or variant.label == "full"]


@pytest.mark.parametrize("server", FUZZED, indirect=True, ids=str)
def test_fuzzing_finds_nothing(server: Subject, tmp_path: Path) -> None:
    copy = shutil.copytree(server.project.path, tmp_path / "service")  # a finding is written into the project
    settings = {"GOFLAGS": f"{environment()['GOFLAGS']} -parallel=1"}
    settings["TEST_DATABASE_URL"] = server.settings.get("DATABASE_URL", "")

    fuzzed = run([program("make"), "fuzz", f"FUZZTIME={FUZZTIME or SHORTLY}"], cwd=copy, env=environment() | settings)

    found = [f"{path.relative_to(copy)}\n{path.read_text(encoding='utf-8')}" for path in copy.glob("**/testdata/fuzz/*/*")]
    assert fuzzed.status == 0, "\n".join([str(fuzzed), *found])
    for sign_of_one in ("gathering baseline coverage: 0/", "\nPASS\n"):
        assert fuzzed.output.count(sign_of_one) == len(targets(server)) > 0, fuzzed


def targets(subject: Subject) -> list[str]:
    texts = [text for path, text in subject.project.rendering.texts.items() if path.endswith("_test.go")]
    return [name for text in texts for name in re.findall(r"(?m)^func (Fuzz\w+)\(", text)]
