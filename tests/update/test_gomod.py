"""How go.mod and go.sum are merged: directive by directive, and as whole files."""

from random import Random

import pytest

from gopherforge import gosum
from gopherforge.gomod import Modules, Texts, merge
from gopherforge.versions import go_order, module_order
from tests.update.gomods import HEAD, go_mod, go_sum, lines, merged, requires

A, B, C, D = (f"example.org/{name}" for name in "abcd")

PSEUDO = "v1.3.0-0.20260101000000-aaaaaaaaaaaa"  # made after v1.2.x, before v1.3.0
LATER = "v1.3.0-0.20260301000000-bbbbbbbbbbbb"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("v1.2.0", "v1.2.0", "v1.3.0", "v1.3.0"),
        ("v1.2.0", "v1.2.0", "v1.1.0", "v1.1.0"),
        ("v1.2.0", "v1.3.0", "v1.2.0", "v1.3.0"),
        ("v1.2.0", "v1.1.0", "v1.2.0", "v1.1.0"),
        ("v1.2.0", "v1.9.0", "v1.10.0", "v1.10.0"),
        ("v1.2.0", "v1.10.0", "v1.9.0", "v1.10.0"),
        ("v1.2.0", "v1.3.0-rc.2", "v1.3.0-rc.10", "v1.3.0-rc.10"),
        ("v1.2.0", "v1.3.0-rc.2", "v1.3.0", "v1.3.0"),
        ("v1.2.0", PSEUDO, "v1.2.9", PSEUDO),
        ("v1.2.0", PSEUDO, LATER, LATER),
        ("v1.2.0", LATER, PSEUDO, LATER),
        ("v1.2.0", PSEUDO, "v1.3.0-rc.1", "v1.3.0-rc.1"),
        ("v1.2.0", "v2.1.0+incompatible", "v2.0.0+incompatible", "v2.1.0+incompatible"),
        ("v1.2.0", "v2.0.0+incompatible", "v2.1.0+incompatible", "v2.1.0+incompatible"),
    ],
)
def test_of_two_versions_the_higher_is_required(base: str, ours: str, theirs: str, result: str) -> None:
    done = merged(*(requires({A: version}) for version in (base, ours, theirs)))

    assert done.mod == requires({A: result})
    assert done.warnings == ()


def test_of_versions_that_both_brought_the_higher_is_required() -> None:
    assert merged(HEAD, requires({A: "v1.2.0"}), requires({A: "v1.3.0"}), A).mod == requires({A: "v1.3.0"})
    assert merged(HEAD, requires({A: "v1.3.0"}), requires({A: "v1.2.0"}), A).mod == requires({A: "v1.3.0"})


def test_a_version_that_the_author_lowered_is_raised_with_a_word() -> None:
    done = merged(*(requires({A: version}) for version in ("v1.2.0", "v1.1.0", "v1.3.0")))

    assert done.mod == requires({A: "v1.3.0"})
    assert done.warnings == (f"{A} is v1.3.0 now, which the template requires; you had lowered it to v1.1.0.",)


def test_a_version_that_the_author_lowered_stays_while_the_template_does_not_move_it() -> None:
    base, theirs = requires({A: "v1.2.0", B: "v1.0.0"}), requires({A: "v1.2.0", B: "v1.1.0"})

    done = merged(base, requires({A: "v1.1.0", B: "v1.0.0"}), theirs)

    assert (done.mod, done.warnings) == (requires({A: "v1.1.0", B: "v1.1.0"}), ())


def test_of_one_module_required_twice_the_higher_version_counts() -> None:
    twice = "module m\n\ngo 1.27.0\n\nrequire (\n\ta.org/a v1.0.0\n\ta.org/a v1.2.0 // mine\n)\n"
    base, theirs = (f"module m\n\ngo 1.{minor}.0\n\nrequire a.org/a v1.{patch}.0\n" for minor, patch in ((27, 0), (28, 1)))

    done = merged(base, twice, theirs)

    assert done.mod == twice.replace("go 1.27.0", "go 1.28.0")
    assert done.warnings == ()


def test_numbers_beyond_all_measure_are_no_versions() -> None:
    huge = "2" * 5000
    for version in (f"v1.{huge}.0", f"v1.0.0-rc.{huge}"):
        done = merged(*(requires({A: each}) for each in ("v1.0.0", version, "v1.1.0")))
        assert done.mod == requires({A: version})
        assert "cannot be compared with the template's v1.1.0" in done.warnings[0]
    assert go_order(f"1.{huge}") is None
    assert go_order(f"1.27rc{huge}") is None


def test_a_branch_cannot_be_compared() -> None:
    done = merged(*(requires({A: version}) for version in ("v1.2.0", "main", "v1.3.0")))

    assert done.mod == requires({A: "main"})
    assert done.warnings == (f"{A} stays at main, which cannot be compared with the template's v1.3.0.",)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("1.27.0", "1.27.0", "1.28.0", "1.28.0"),
        ("1.27.0", "1.28.1", "1.28.0", "1.28.1"),
        ("1.27.0", "1.9", "1.28rc1", "1.28rc1"),
        ("1.27.0", "1.28rc2", "1.28rc10", "1.28rc10"),
        ("1.27.0", "1.28", "1.28rc1", "1.28rc1"),
        ("1.27.0", "1.28rc1", "1.28.0", "1.28.0"),
    ],
)
def test_the_higher_go_is_taken(base: str, ours: str, theirs: str, result: str) -> None:
    texts = [f"module example.com/shop\n\ngo {version}\n" for version in (base, ours, theirs)]

    assert merged(*texts).mod == f"module example.com/shop\n\ngo {result}\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ("go1.27.3", "go1.27.3", "go1.27.5", ["toolchain go1.27.5"]),
        ("go1.27.3", "go1.27.6", "go1.27.5", ["toolchain go1.27.6"]),
        ("go1.27.3", "go1.27.10", "go1.27.9", ["toolchain go1.27.10"]),
        ("go1.27.3", "go1.27.4-custom", "go1.27.5", ["toolchain go1.27.5"]),
        ("go1.27.3", "default", "go1.27.5", ["toolchain default"]),
        ("go1.27.3", None, "go1.27.3", []),
        ("go1.27.3", None, "go1.27.5", []),
        (None, None, "go1.27.5", ["toolchain go1.27.5"]),
        ("go1.27.3", "go1.27.3", None, []),
        ("go1.27.3", "go1.27.6", None, ["toolchain go1.27.6"]),
    ],
)
def test_the_higher_toolchain_is_taken_and_a_removed_one_stays_away(
    base: str | None, ours: str | None, theirs: str | None, result: list[str]
) -> None:
    texts = [f"module m\n\ngo 1.27.0\n{f'{chr(10)}toolchain {name}{chr(10)}' if name else ''}" for name in (base, ours, theirs)]

    assert [line for line in lines(merged(*texts).mod) if line.startswith("toolchain")] == result


def test_a_toolchain_of_the_authors_that_the_new_go_surpasses_goes() -> None:
    done = merged(
        "module m\n\ngo 1.27.0\n\ntoolchain go1.27.3\n",
        "module m\n\ngo 1.27.0\n\ntoolchain go1.27.6\n",
        "module m\n\ngo 1.28.0\n",
    )

    assert done.mod == "module m\n\ngo 1.28.0\n"


def test_a_toolchain_that_the_template_never_had_stays() -> None:
    base, theirs = (f"module m\n\ngo 1.27.0\n\nrequire {A} {version}\n" for version in ("v1.0.0", "v1.1.0"))
    own = "go 1.27.0\n\ntoolchain go1.27.0\n"

    assert merged(base, base.replace("go 1.27.0\n", own), theirs).mod == theirs.replace("go 1.27.0\n", own)


def test_a_removed_toolchain_is_told_when_the_template_changes_it() -> None:
    done = merged(HEAD, "module example.com/shop\n\ngo 1.27.0\n", HEAD.replace("1.27.3", "1.27.5"))

    assert done.warnings == (
        "toolchain stays out of go.mod, from which you removed it, though the template changed it: toolchain go1.27.5.",
    )


def test_the_module_line_is_the_authors() -> None:
    base, theirs = requires({A: "v1.0.0"}), requires({A: "v1.1.0"})

    done = merged(base, base.replace("example.com/shop", "corp.example/shop // Deprecated: moved"), theirs)

    assert done.mod == theirs.replace("example.com/shop", "corp.example/shop // Deprecated: moved")
    assert done.complete


AUTHORS = """\
// The shop.
module example.com/shop // import "shop"

go 1.27.0

toolchain go1.27.3

godebug http2client=0

// Ours.
require (
	example.org/a v1.0.0
	example.org/c v0.1.0 // pinned: #12
)

require example.org/b v1.0.0 // indirect; for c

replace (
	// Until they release it.
	example.org/c => ../c
	example.org/d v1.0.0 => example.org/fork v1.0.1
)

exclude example.org/c v0.1.1

retract [v1.0.0, v1.1.0] // leaked

tool example.org/c/cmd/gen

ignore ./node_modules

// The end.
"""


def test_all_that_the_author_wrote_stays() -> None:
    base = requires({A: "v1.0.0"}, {B: "v1.0.0"})
    theirs = requires({A: "v1.2.0", D: "v1.0.0"}, {B: "v1.1.0"})

    done = merged(base, AUTHORS, theirs, A, D)

    assert done.mod == (
        AUTHORS.replace("a v1.0.0", "a v1.2.0")
        .replace("b v1.0.0 //", "b v1.1.0 //")
        .replace("#12\n", "#12\n\texample.org/d v1.0.0\n")
    )
    assert done.own == (C, B)


@pytest.mark.parametrize(
    "line",
    [
        f"replace {A} => ../a",
        f"replace {A} v1.0.0 => {B} v1.0.0",
        f"exclude {A} v1.0.0",
        "retract v1.0.0",
        "retract [v1.0.0, v1.2.0]",
        f"tool {A}/cmd",
        "godebug panicnil=1",
        "ignore ./web",
        'ignore "("',
        "future directive",
    ],
)
class TestOneSide:
    """A directive, other than a requirement, that one side has."""

    def test_the_authors_stays(self, line: str) -> None:
        assert set(lines(merged(HEAD, go_mod(line), requires({B: "v1.0.0"})).mod)) >= {line, f"require {B} v1.0.0"}

    def test_the_new_ones_come(self, line: str) -> None:
        assert merged(HEAD, HEAD, go_mod(line)).mod == go_mod(line)
        assert set(lines(merged(HEAD, requires({B: "v1.0.0"}), go_mod(line)).mod)) >= {line, f"require {B} v1.0.0"}

    def test_what_the_template_drops_goes(self, line: str) -> None:
        assert line not in lines(merged(go_mod(line), go_mod(line, "ignore ./own"), HEAD).mod)

    def test_what_the_author_removed_stays_away(self, line: str) -> None:
        assert line not in lines(merged(go_mod(line), HEAD, go_mod(line, "ignore ./new")).mod)

    def test_what_the_author_commented_stays(self, line: str) -> None:
        done = merged(go_mod(line), go_mod(f"{line} // ours"), HEAD)

        assert f"{line} // ours" in lines(done.mod)
        assert done.warnings == (f"{line} stays, as you changed it, though the template no longer has it.",)


def test_a_replacement_that_both_changed_is_the_authors() -> None:
    done = merged(*(go_mod(f"replace {A} => {to}") for to in ("../a", "../mine", "../theirs")))

    assert done.mod == go_mod(f"replace {A} => ../mine")
    assert done.warnings == (f"replace {A} stays as you have it, though the template changed it too: replace {A} => ../theirs.",)


def test_a_replacement_and_an_exclusion_in_the_way_are_told() -> None:
    own = [f"exclude {A} v1.1.0", f"replace {B} => ../b"]

    done = merged(
        requires({A: "v1.0.0", B: "v1.0.0"}),
        requires({A: "v1.0.0", B: "v1.0.0"}, {}, *own),
        requires({A: "v1.1.0", B: "v1.2.0"}),
    )

    assert done.mod == requires({A: "v1.1.0", B: "v1.2.0"}, {}, *own)
    assert done.warnings == (
        f"you exclude {A} v1.1.0, which the template now requires: Go ignores that requirement.",
        f"your replace of {B} stays; the template now requires v1.2.0.",
    )


def test_they_are_told_of_a_requirement_that_is_new_too() -> None:
    own = [f"exclude {A} v1.1.0", f"replace {B} => ../b"]

    done = merged(HEAD, go_mod(*own), requires({A: "v1.1.0", B: "v1.2.0"}), A, B)

    assert done.warnings == (
        f"you exclude {A} v1.1.0, which the template now requires: Go ignores that requirement.",
        f"your replace of {B} stays; the template now requires v1.2.0.",
    )


def test_the_templates_own_exclusion_is_not_told() -> None:
    exclusion = f"exclude {A} v1.1.0"

    assert (
        merged(
            requires({A: "v1.0.0"}, {}, exclusion),
            requires({A: "v1.0.0"}, {}, exclusion, "ignore ./own"),
            requires({A: "v1.1.0"}),
        ).warnings
        == ()
    )


def test_a_replacement_of_the_old_version_is_told() -> None:
    own = f"replace {A} v1.0.0 => {B} v1.0.0"

    done = merged(requires({A: "v1.0.0"}), requires({A: "v1.0.0"}, {}, own), requires({A: "v1.1.0"}))

    assert done.mod == requires({A: "v1.1.0"}, {}, own)
    assert done.warnings == (f"your replace of {A} v1.0.0 no longer applies: the template now requires v1.1.0.",)


def test_a_replacement_of_another_version_is_not_told() -> None:
    own = f"replace {A} v0.9.0 => {B} v1.0.0"

    assert merged(requires({A: "v1.0.0"}), requires({A: "v1.0.0"}, {}, own), requires({A: "v1.1.0"})).warnings == ()


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (f"require {A} v1.2.0", f"require {A} v1.2.0", f"require {A} v1.3.0"),
        (f"require {A} v1.0.0", f"require {A} v1.2.0", f"require {A} v1.3.0"),
        ("ignore ./web", f"require {A} v1.2.0", f"require {A} v1.3.0"),
        (f"replace {A} => ../a", f"replace {A} => ../a", f"replace {A} => ../b"),
        ("godebug panicnil=1", "godebug panicnil=1", "godebug panicnil=0"),
    ],
)
def test_what_changes_below_a_comment_of_the_authors_is_told(base: str, ours: str, theirs: str) -> None:
    done = merged(go_mod(base), go_mod(f"{ours} // pinned"), go_mod(theirs), A)

    assert f"{theirs} // pinned" in lines(done.mod)
    assert done.warnings == (f"{theirs} comes from the template; you had {ours} with a comment.",)


def test_a_comment_of_the_templates_is_not_the_authors() -> None:
    assert merged(*(requires({A: f"{version} // why"}) for version in ("v1.0.0", "v1.0.0", "v1.1.0"))).warnings == ()


def test_what_only_the_old_template_needed_goes() -> None:
    done = merged(requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0"}), requires({A: "v1.0.0", B: "v1.1.0"}, {C: "v1.0.0"}), HEAD)

    assert done.mod == HEAD
    assert done.complete


def test_what_is_imported_stays_with_all_that_it_may_need() -> None:
    base = requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0"})

    done = merged(base, base, requires({D: "v1.0.0"}), f"{B}/sub/pkg", D)

    assert done.mod == requires({B: "v1.0.0", D: "v1.0.0"}, {A: "v1.0.0", C: "v1.0.0"})
    assert not done.complete


def test_what_is_imported_by_itself_becomes_direct() -> None:
    base = requires({A: "v1.0.0"}, {B: "v1.0.0", C: "v1.0.0"})

    assert merged(base, base, HEAD, B).mod == requires({B: "v1.0.0"}, {A: "v1.0.0", C: "v1.0.0"})


def test_the_longest_path_owns_a_package() -> None:
    nested = f"{A}/nested"
    base = requires({A: "v1.0.0", nested: "v1.0.0"})

    assert merged(base, base, requires({nested: "v1.0.0"}), f"{nested}/pkg").mod == requires({nested: "v1.0.0"})
    assert merged(base, base, requires({nested: "v1.0.0"}), A, f"{nested}/pkg").mod == base
    assert merged(base, base, HEAD, f"{A}x/pkg", "example.com/shop/internal").mod == HEAD


def test_a_tool_counts_as_an_import() -> None:
    base = requires({A: "v1.0.0"})

    assert f"require {A} v1.0.0" in lines(merged(base, go_mod(f"require {A} v1.0.0", f"tool {A}/cmd/x"), HEAD).mod)


def test_with_modules_of_the_authors_go_decides_what_else_they_need() -> None:
    base = requires({A: "v1.0.0"}, {B: "v1.0.0"})
    ours = requires({A: "v1.0.0", C: "v1.0.0"}, {B: "v1.0.0"})

    done = merged(base, ours, HEAD, C)

    assert done.mod == requires({C: "v1.0.0"}, {A: "v1.0.0", B: "v1.0.0"})
    assert not done.complete


def test_a_dropped_requirement_with_a_comment_of_the_authors_stays() -> None:
    base = requires({A: "v1.0.0"})

    done = merged(base, base.replace("v1.0.0", "v1.0.0 // for the plugin"), HEAD)

    assert "// for the plugin" in str(done.mod)
    assert done.warnings == (f"{A} stays, as you wrote a comment to it, though the template no longer requires it.",)


@pytest.mark.parametrize(
    ("theirs", "imports", "result"),
    [
        (requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0", D: "v1.0.0"}), (A,), requires({A: "v1.0.0"}, {D: "v1.0.0"})),
        (requires({A: "v1.1.0", B: "v1.1.0"}, {C: "v1.0.0", D: "v1.0.0"}), (A,), requires({A: "v1.1.0"}, {D: "v1.0.0"})),
        (requires({A: "v1.1.0", B: "v1.0.0"}), (A, f"{B}/x"), requires({A: "v1.1.0", B: "v1.0.0"})),
        (requires({A: "v1.1.0"}, {C: "v1.1.0", D: "v1.0.0"}), (A,), requires({A: "v1.1.0"}, {C: "v1.1.0", D: "v1.0.0"})),
    ],
    ids=["unchanged", "not imported", "imported", "indirect and changed"],
)
def test_a_removed_requirement_stays_away_unless_it_is_needed(theirs: str, imports: tuple[str, ...], result: str) -> None:
    base = requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0", D: "v1.0.0"})
    # Something else changes too, or the author's file would simply stay.
    theirs = theirs.replace("go1.27.3", "go1.27.4")

    assert merged(base, requires({A: "v1.0.0"}, {D: "v1.0.0"}), theirs, *imports).mod == result.replace("go1.27.3", "go1.27.4")


def test_with_what_the_template_adds_and_nothing_imports_nothing_is_complete() -> None:
    done = merged(HEAD, HEAD, requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0"}), A)

    assert done.mod == requires({A: "v1.0.0", B: "v1.0.0"}, {C: "v1.0.0"})
    assert not done.complete


def test_imports_are_asked_only_where_a_requirement_comes_or_goes() -> None:
    def nobody() -> list[str]:
        raise AssertionError

    base, ours = (Texts(requires({A: version}), None) for version in ("v1.0.0", "v1.1.0"))
    theirs = Texts(requires({A: "v1.2.0"}, {}, "ignore ./web"), None)

    assert merge(base, ours, theirs, nobody).mod == theirs.mod


def test_a_requirement_that_one_side_imports_is_direct() -> None:
    base = requires({A: "v1.0.0"}, {B: "v1.0.0"})

    assert merged(base, requires({A: "v1.0.0", B: "v1.0.0"}), requires({A: "v1.1.0"}, {B: "v1.1.0"})).mod == requires(
        {A: "v1.1.0", B: "v1.1.0"}
    )
    assert merged(HEAD, requires({}, {B: "v1.0.0"}), requires({B: "v1.0.0"}), B).mod == requires({B: "v1.0.0"})
    assert merged(HEAD, requires({B: "v1.0.0"}), requires({}, {B: "v1.1.0"})).mod == requires({B: "v1.1.0"})


class TestFiles:
    """Whole files: present, absent, of other line ends, unreadable."""

    def test_untouched_files_are_the_templates(self) -> None:
        base = Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))
        theirs = Texts(requires({A: "v1.1.0"}), go_sum(f"{A} v1.1.0"))

        assert merge(base, base, theirs, tuple) == Modules(theirs.mod, theirs.sum)

    def test_without_a_change_of_the_templates_all_is_the_authors(self) -> None:
        base = Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))
        ours = Texts("module m\nrequire  example.org/b   v1.0.0\n<<<<<<< what", "odd\n")

        assert merge(base, ours, base, tuple) == Modules(ours.mod, ours.sum)

    def test_without_an_old_rendering_nothing_is_lost(self) -> None:
        done = merged(None, requires({A: "v1.0.0", B: "v1.1.0"}), requires({B: "v1.0.0", C: "v1.0.0"}), A, B, C)

        assert done.mod == requires({A: "v1.0.0", B: "v1.1.0", C: "v1.0.0"})

    def test_new_files_come(self) -> None:
        theirs = Texts(HEAD, go_sum(f"{A} v1.0.0"))

        assert merge(Texts(None, None), Texts(None, None), theirs, tuple) == Modules(theirs.mod, theirs.sum)

    def test_files_that_the_author_deleted_stay_deleted(self) -> None:
        base, theirs = Texts(HEAD, None), Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))

        assert merge(base, Texts(None, None), theirs, tuple) == Modules(
            None, None, warnings=("go.mod stays deleted, as you deleted it, though the template changed it.",)
        )

    def test_a_go_sum_that_the_author_deleted_is_made_anew_with_its_go_mod(self) -> None:
        base = Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))
        theirs = Texts(requires({A: "v1.1.0"}), go_sum(f"{A} v1.1.0"))

        assert merge(base, Texts(base.mod, None), theirs, tuple) == Modules(theirs.mod, theirs.sum)
        assert merge(base, Texts(base.mod, None), base, tuple) == Modules(base.mod, None)

    def test_files_that_the_template_dropped_go_where_they_are_untouched(self) -> None:
        base, none = Texts(HEAD, go_sum(f"{A} v1.0.0")), Texts(None, None)

        assert merge(base, base, none, tuple) == Modules(None, None)
        assert merge(base, Texts(requires({A: "v1.0.0"}), base.sum), none, tuple) == Modules(
            requires({A: "v1.0.0"}),
            base.sum,
            warnings=("go.mod stays there, as you changed it, though the template no longer has it.",),
        )

    def test_line_ends_are_the_authors(self) -> None:
        base = Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))
        ours = Texts(*(str(text).replace("\n", "\r\n") for text in (base.mod, base.sum)))
        theirs = Texts(requires({A: "v1.1.0", B: "v1.0.0"}), go_sum(f"{A} v1.1.0"))

        done = merge(base, ours, theirs, lambda: [A, B])

        assert (done.mod, done.sum) == tuple(str(text).replace("\n", "\r\n") for text in (theirs.mod, theirs.sum))
        assert merge(base, ours, base, tuple) == Modules(ours.mod, ours.sum)

    def test_a_line_with_another_end_does_not_decide(self) -> None:
        base, theirs = requires({A: "v1.0.0"}), requires({A: "v1.1.0"})
        one = base.replace("go 1.27.0\n", "go 1.27.0\r\n")
        most = base.replace("\n", "\r\n").replace("go 1.27.0\r\n", "go 1.27.0\n")

        assert merged(base, one, theirs).mod == theirs
        assert merged(base, most, theirs).mod == theirs.replace("\n", "\r\n")
        assert merged(base, one, base).mod == one

    @pytest.mark.parametrize(
        ("mod", "why"),
        [
            ("<<<<<<< ours\ngo 1.27.0\n=======\n", "line 3 is no directive: <<<<<<< ours"),
            ("require (\n\texample.org/a v1.0.0\n", "its block of require has no end"),
            ("require example.org/a\n", "line 3 is no directive: require example.org/a"),
            ("/* no */\n", "line 3 is no directive: /* no */"),
            ("require (\n) more\n", "line 4 goes on after the end of a block"),
            ("retract (\n[\n)\n", "line 4 is no directive: retract ["),
            ("retract [v1.0.0 v1.1.0 ,]\n", "line 3 is no directive: retract [ v1.0.0 v1.1.0 , ]"),
            ("require (\n\texample.org/a (\n)\n", "line 4 is no directive: require example.org/a ("),
            ("replace example.org/a v1.0.0 ../a\n", "line 3 is no directive: replace example.org/a v1.0.0 ../a"),
            ("( (\n)\n", "line 3 is no directive: ( ("),
        ],
    )
    def test_a_go_mod_that_cannot_be_read_stays(self, mod: str, why: str) -> None:
        ours = Texts(f"module m\n\n{mod}", go_sum(f"{A} v1.0.0"))

        done = merge(Texts(HEAD, None), ours, Texts(requires({A: "v1.0.0"}), None), tuple)

        kept = "go.mod and go.sum stay as they are, without what the template changed."
        assert done == Modules(ours.mod, ours.sum, warnings=(f"go.mod cannot be read ({why}): {kept}",))

    def test_a_go_sum_that_cannot_be_read_stays(self) -> None:
        ours = Texts(HEAD, "example.org/a v1.0.0 h1:x=\n<<<<<<< ours\n")

        [warning] = merge(Texts(HEAD, None), ours, Texts(requires({A: "v1.0.0"}), None), tuple).warnings

        assert warning.startswith("go.sum cannot be read (line 2 is not a module, its version and a hash):")


class TestSums:
    """go.sum."""

    BASE = Texts(requires({A: "v1.0.0"}), go_sum(f"{A} v1.0.0"))
    THEIRS = Texts(requires({A: "v1.10.0"}), go_sum(f"{A} v1.10.0"))

    def test_the_templates_alone_serve_where_the_requirements_are_the_templates(self) -> None:
        ours = Texts(self.BASE.mod + "\n// Ours.\n" if self.BASE.mod else "", self.BASE.sum)

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert (done.mod, done.sum, done.complete) == (f"{self.THEIRS.mod}\n// Ours.\n", self.THEIRS.sum, True)

    def test_with_the_authors_modules_all_lines_stay_in_order(self) -> None:
        ours = Texts(requires({A: "v1.9.0", B: "v1.0.0"}), go_sum(f"{A} v1.9.0", f"{B} v1.0.0", f"{B} v1.0.0-rc.1"))

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert done.sum == go_sum(f"{A} v1.9.0", f"{A} v1.10.0", f"{B} v1.0.0-rc.1", f"{B} v1.0.0")
        assert not done.complete

    def test_with_lines_of_the_authors_alone_nothing_is_complete(self) -> None:
        ours = Texts(self.BASE.mod, f"{self.BASE.sum}{go_sum(f'{C} v1.0.0')}")

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert done.sum == go_sum(f"{A} v1.0.0", f"{A} v1.10.0", f"{C} v1.0.0")
        assert not done.complete

    def test_with_what_both_have_all_is_complete(self) -> None:
        ours = Texts(self.THEIRS.mod, f"{self.BASE.sum}{self.THEIRS.sum}")

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert (done.mod, done.sum, done.complete) == (self.THEIRS.mod, self.THEIRS.sum, True)

    def test_a_checksum_that_differs_stays_the_authors_with_a_word(self) -> None:
        ours = Texts(requires({A: "v1.10.0", B: "v1.0.0"}), go_sum(f"{A} v1.10.0", digest="h1:other="))

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert done.sum == go_sum(f"{A} v1.10.0", digest="h1:other=")
        assert done.warnings == (
            f"go.sum keeps your checksum of {A} v1.10.0 and {A} v1.10.0/go.mod, though the template has another.",
        )

    def test_of_many_checksums_a_sentence_names_the_first(self) -> None:
        modules = [f"{A} v1.10.{patch}" for patch in range(3)]
        ours = Texts(requires({B: "v1.0.0"}), go_sum(*modules, digest="h1:other="))

        [warning] = merge(self.BASE, ours, Texts(self.THEIRS.mod, go_sum(*modules)), tuple).warnings

        named = f"{A} v1.10.0, {A} v1.10.0/go.mod, {A} v1.10.1, {A} v1.10.1/go.mod, {A} v1.10.2 and 1 more"
        assert warning == f"go.sum keeps your checksum of {named}, though the template has another."

    def test_of_two_checksums_of_a_file_none_is_lost(self) -> None:
        two = go_sum(f"{B} v1.0.0") + f"{B} v1.0.0 h1:other=\n"
        ours = Texts(requires({A: "v1.0.0", B: "v1.0.0"}), go_sum(f"{A} v1.0.0") + two)

        done = merge(self.BASE, ours, self.THEIRS, tuple)

        assert done.sum == go_sum(f"{A} v1.0.0", f"{A} v1.10.0") + (
            f"{B} v1.0.0 h1:aaa=\n{B} v1.0.0 h1:other=\n{B} v1.0.0/go.mod h1:aaa=\n"
        )

    def test_a_checksum_that_the_template_corrects_is_the_templates(self) -> None:
        wrong = go_sum(f"{A} v1.0.0", digest="h1:wrong=")
        ours = Texts(requires({A: "v1.0.0", B: "v1.0.0"}), wrong)

        done = merge(Texts(self.BASE.mod, wrong), ours, Texts(self.BASE.mod, self.BASE.sum), tuple)

        assert (done.sum, done.warnings) == (self.BASE.sum, ())


PRECEDENCE = (
    "v0.9.9 v1.0.0-0.3.7 v1.0.0-alpha v1.0.0-alpha.1 v1.0.0-alpha.beta v1.0.0-beta.2 v1.0.0-beta.11 v1.0.0-rc.1 v1.0.0 v1.10.0"
)
"""As https://semver.org/#spec-item-11 orders them."""


def test_versions_are_ordered_as_semver_says() -> None:
    ordered = PRECEDENCE.split()
    shuffled = Random(1).sample(ordered, len(ordered))

    assert sorted(shuffled, key=lambda version: module_order(version) or ()) == ordered
    assert module_order("v2.0.0+incompatible") == module_order("v2.0.0")


def test_sums_are_ordered_as_go_does() -> None:
    ordered = [
        ("example.org/B", "v1.0.0/go.mod"),
        ("example.org/a", "v1.9.0"),
        ("example.org/a", "v1.9.0/go.mod"),
        ("example.org/a", "v1.10.0"),
        ("example.org/a/b", "v1.0.0"),
    ]

    assert sorted(Random(1).sample(ordered, len(ordered)), key=lambda file: gosum.order(*file)) == ordered
