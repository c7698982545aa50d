"""What an update loses or contests for nothing is counted and named: by planted losses and conflicts."""

from pathlib import Path

import pytest

from benchmarks.side_by_side import OURS, TOOLS, Case, Taken, page
from benchmarks.verdicts import Sides, judge, told
from tests.update.edits import Edit
from tests.update.losses import Files
from tests.update.ways import Step
from tests.variants import Variant

LINES = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"
SIDES = Sides(
    base={"a": LINES, "b": b"b\n"},
    ours={"a": LINES.replace(b"2", b"mine"), "own": b"own\nalso\n"},
    theirs={"a": LINES.replace(b"8", b"its"), "b": b"b\n"},
)
MERGED = {"a": LINES.replace(b"2", b"mine").replace(b"8", b"its"), "own": b"own\nalso\n"}
REJECT = b"diff a/a b/a\t(rejected hunks)\n@@ -1,3 +1,3 @@\n 1\n-2\n+mine\n 3\n"

EDITS = ["b came back", "a lost b'mine'", "a has b'2' again", "own lost b'own'", "own lost b'also'"]


def test_a_merge_that_keeps_everything_has_no_losses(tmp_path: Path) -> None:
    verdict = judge(SIDES, MERGED, [], {}, tmp_path)

    assert (verdict.edits, verdict.lost, verdict.conflicts) == (len(EDITS), (), frozenset())


def test_each_lost_line_counts_also_of_a_file_that_is_gone(tmp_path: Path) -> None:
    verdict = judge(SIDES, SIDES.theirs, [], {}, tmp_path)

    assert (verdict.edits, sorted(verdict.lost)) == (len(EDITS), sorted(EDITS))


def test_a_file_is_looked_for_under_the_name_that_the_template_gave_it(tmp_path: Path) -> None:
    base, ours = {"a": LINES}, {"a": LINES.replace(b"2", b"mine")}
    sides, renamed = Sides(base, ours, {"c": LINES}), {"a": "c"}

    assert judge(sides, {"c": ours["a"]}, [], renamed, tmp_path).lost == ()
    assert judge(sides, {"a": ours["a"], "c": LINES}, [], renamed, tmp_path).lost == ()
    assert judge(sides, {"c": LINES}, [], renamed, tmp_path).lost == ("a lost b'mine'", "a has b'2' again")


def test_a_deleted_file_that_comes_back_under_another_name_counts(tmp_path: Path) -> None:
    assert judge(SIDES, MERGED | {"c": SIDES.base["b"]}, [], {}, tmp_path).lost == ("c came back",)


@pytest.mark.parametrize(
    "files",
    [
        MERGED | {"a": b"1\n<<<<<<< mine\nmine\n=======\n2\n>>>>>>> its\n3\n4\n5\n6\n7\nits\n9\n"},
        MERGED | {"a": SIDES.theirs["a"], "a.rej": REJECT},
    ],
    ids=["markers", "rejects"],
)
def test_what_a_conflict_shows_is_not_lost_and_the_conflict_counts(files: Files, tmp_path: Path) -> None:
    verdict = judge(SIDES, files, [], {}, tmp_path)

    assert (verdict.lost, verdict.real, verdict.false) == ((), frozenset(), frozenset({"a"}))


def test_a_conflict_about_the_same_line_is_real(tmp_path: Path) -> None:
    sides = Sides(SIDES.base, SIDES.ours, {"b": b"b\n", "a": LINES.replace(b"2", b"its")})
    verdict = judge(sides, MERGED, ["a"], {}, tmp_path)

    assert (verdict.real, verdict.false) == (frozenset({"a"}), frozenset())


def test_line_ends_make_no_conflict_real(tmp_path: Path) -> None:
    windows = {"a": SIDES.ours["a"].replace(b"\n", b"\r\n")}

    assert judge(Sides(SIDES.base, windows, SIDES.theirs), MERGED, ["a"], {}, tmp_path).false == {"a"}


def test_the_page_names_what_was_lost(tmp_path: Path) -> None:
    case = Case("an edit", Edit(lambda _: None), Step("awkward", Variant("go-http-service", "full", ())))
    kept, lost = (judge(SIDES, files, [], {}, tmp_path) for files in (MERGED, SIDES.theirs))
    taken = {name: Taken(kept if name == OURS else lost, builds=True, warned=False, seconds=1.0) for name in TOOLS}

    text = "\n".join(page([(case, taken)]))
    assert "| an edit: go-http-service-full | 5 | all kept; 1.0 s | **5 lost**; 1.0 s | **5 lost**; 1.0 s |" in text
    assert "- an edit: go-http-service-full; Copier and Copier with rej:\n" in text
    assert "  - `a` lost `mine`\n" in text


def test_the_page_tells_what_does_not_build_and_whether_that_was_said(tmp_path: Path) -> None:
    case = Case("an edit", Edit(lambda _: None), Step("awkward", Variant("go-http-service", "full", ())))
    verdict = judge(SIDES, MERGED, [], {}, tmp_path)
    broken = {name: Taken(verdict, builds=False, warned=name == OURS, seconds=1.0) for name in TOOLS}
    whole = {name: Taken(verdict, builds=True, warned=True, seconds=1.0) for name in TOOLS}

    text = "\n".join(page([(case, broken), (case, whole)]))
    said, silent = "all kept, does not build, with a warning; 1.0 s", "all kept, **does not build**; 1.0 s"
    assert f"| an edit: go-http-service-full | 5 | {said} | {silent} | {silent} |" in text
    assert "| gopherforge | 10 | 0 | 0 of 2 | 0 | 0 | 4 | 1 of 2 | 0 | 1.0 |" in text
    assert "| Copier | 10 | 0 | 0 of 2 | 0 | 0 | 0 | 1 of 2 | 1 | 1.0 |" in text


def test_a_line_is_told_as_code() -> None:
    assert told("a lost b'x = `1`'") == "`a` lost `` x = `1` ``"
    assert told('a has b"it\'s" again') == "`a` has `it's` again"
    assert told("a is gone") == "`a` is gone"
