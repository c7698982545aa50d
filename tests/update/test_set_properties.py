"""Random edits of a real service, random changes of its answers: no line is lost, nothing half done, and back leads back."""

import io
import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gopherforge import source
from gopherforge.change import Options, Place
from gopherforge.errors import Conflicts
from gopherforge.report import Progress
from gopherforge.set_answers import Request, set_answers
from tests.core.history import git
from tests.support import PROOF_IS_FULL, Shared
from tests.update.authored import state
from tests.update.losses import losses
from tests.update.ways import commit, contents, rendering
from tests.variants import Variant, variants

BY_MEANING = ("go.mod", "go.sum", "tools/")
"""Files that are not merged as text: test_gomod_properties.py has theirs."""


class Edit(NamedTuple):
    """Of a file and a line in it, given by how far down they are, from 0 to 1."""

    kind: str
    contested: bool  # whether it is a file that the other answers change
    file: float
    line: float

    def make(self, service: Path, number: int, contested: Collection[str]) -> None:
        """No two edits write the same line."""
        paths = sorted(path for path in contents(service) if not path.startswith(BY_MEANING))
        if self.contested:
            paths = [path for path in paths if path in contested] or paths
        path = service / paths[int(self.file * (len(paths) - 1))]
        mine = f"mine {number}\n".encode()
        if self.kind == "add":
            path.with_name(f"mine-{number}").write_bytes(mine)
            return
        if self.kind == "delete":
            path.unlink()
            return
        lines = path.read_bytes().splitlines(keepends=True)
        place = int(self.line * len(lines))
        after = {"insert": place, "change": place + 1, "cut": place + 1}[self.kind]
        path.write_bytes(b"".join([*lines[:place], *([] if self.kind == "cut" else [mine]), *lines[after:]]))


KINDS = ("insert", "insert", "change", "change", "cut", "delete", "add")
PLACES = st.floats(0, 1)
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(KINDS), st.booleans(), PLACES, PLACES),
    min_size=1,
    max_size=8,
)


def others(variant: Variant) -> st.SearchStrategy[tuple[Variant, Variant]]:
    found = [each for each in variants() if each.template == variant.template and each != variant]
    return st.tuples(st.just(variant), st.sampled_from(found))


PAIRS = st.sampled_from(variants()).flatmap(others)


def words(before: Variant, after: Variant) -> list[str]:
    """What to type for other answers."""
    known = dict(before.options)
    return [
        f"{key}={json.dumps(value) if isinstance(value, bool) else value}"
        for key, value in after.options
        if known.get(key) != value
    ]


def run(service: Path, answers: Sequence[str], on_conflict: str = "fail") -> Mapping[str, Any]:
    """The data of the result."""
    place = Place(dict(os.environ), service, Progress(io.StringIO()))
    try:
        return dict(set_answers(Request(tuple(answers), Options(on_conflict=on_conflict)), place).data)
    except Conflicts as conflicts:
        return dict(conflicts.data or {})


@settings(
    max_examples=5 if PROOF_IS_FULL else 2,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),  # to make a failure smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(pair=PAIRS, edits=EDITS)
def test_no_line_is_lost_nothing_is_half_done_and_back_leads_back(
    shared: Shared, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Variant, Variant], edits: list[Edit]
) -> None:
    newest = source.versions(os.environ)[-1]
    base, other = (rendering(shared, source.PACKAGE, newest, variant.answers) for variant in pair)
    service = tmp_path_factory.mktemp("set") / "user-service"
    shutil.copytree(base, service)
    git(service, "init", "--quiet")
    commit(service, "Create user-service")
    old, new = contents(base), contents(other)
    contested = {path for path in old if new.get(path) != old[path]}
    for number, edit in enumerate(edits):
        edit.make(service, number, contested)
    commit(service, "Go on")
    ours, tree, before = contents(service), git(service, "rev-parse", "HEAD^{tree}"), state(service)

    told = run(service, words(*pair))
    conflicts = told["conflicts"]
    if conflicts:
        assert state(service) == before
        told = run(service, words(*pair), on_conflict="mark")
    renamed = {moved["from"]: moved["to"] for moved in told["renamed"]}
    assert losses(old, ours, new, contents(service), renamed) == []
    if conflicts:
        git(service, "reset", "--quiet", "--merge")
        assert git(service, "status", "--porcelain") == ""
        return

    commit(service, "Take other answers")
    if not run(service, words(*reversed(pair)))["conflicts"]:
        assert git(service, "write-tree") == tree
