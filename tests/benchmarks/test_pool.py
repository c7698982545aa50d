from pathlib import Path

import pytest

from benchmarks.pool import WAYS, cost, make, others
from benchmarks.servers import build
from tests.gotools import go
from tests.support import program

pytestmark = pytest.mark.go


def test_every_way_to_have_jobs_done_is_measured(tmp_path: Path) -> None:
    program("go")
    project = make(tmp_path / "pool")
    measuring = build(project, ".")

    assert go(project, "vet", "./...").status == 0
    assert go(project, "mod", "tidy", "-diff").status == 0
    for way in WAYS:
        measured = cost(measuring, way, jobs=2000, submitters=8, turns=10)
        assert measured.wall > 0, way
        assert measured.processor > 0, way


def test_the_page_names_what_the_pool_is_compared_with() -> None:
    assert [one.partition(" ")[0] for one in others()] == [
        "github.com/alitto/pond",
        "github.com/panjf2000/ants",
        "github.com/sourcegraph/conc",
        "golang.org/x/sync",
    ]
