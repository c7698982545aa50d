"""What holds for any modules: nobody's line is lost, and nothing changes twice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gopherforge.gomod import Texts, merge
from gopherforge.versions import module_order
from tests.update.gomods import go_mod, lines

MODULES = [f"example.org/{name}" for name in ("a", "a/b", "b", "c", "d", "E")]
VERSIONS = ["v1.0.0-rc.1", "v1.0.0", "v1.2.0", "v1.10.0-0.20260101000000-aaaaaaaaaaaa", "v1.10.0", "v2.0.0+incompatible"]
OTHERS = ["replace example.org/a => ../a", "exclude example.org/b v1.1.0", "tool example.org/gen", "ignore ./web"]
REMARKS = ["", "why", "until #12"]


@dataclass(frozen=True)
class Requirement:
    version: str
    indirect: bool
    remark: str = ""

    def __str__(self) -> str:
        comment = "; ".join(filter(None, ["indirect" if self.indirect else "", self.remark]))
        return f"{self.version} // {comment}" if comment else self.version


@dataclass(frozen=True)
class Side:
    """A go.mod and its go.sum, which has the lines of every module required."""

    requirements: Mapping[str, Requirement]
    others: frozenset[str]
    toolchain: str

    @property
    def mod(self) -> str:
        head = f"module example.com/shop\n\ngo 1.27.0\n\ntoolchain {self.toolchain}\n"
        return go_mod(*self._blocks(), *sorted(self.others), head=head)

    @property
    def texts(self) -> Texts:
        modules = [f"{path} {each.version}" for path, each in self.requirements.items()]
        return Texts(self.mod, "".join(f"{module}{of} h1:{len(module)}=\n" for module in modules for of in ("", "/go.mod")))

    def _blocks(self) -> list[str]:
        blocks = []
        for indirect in (False, True):
            found = [f"{path} {each}" for path, each in sorted(self.requirements.items()) if each.indirect is indirect]
            if len(found) > 1:
                blocks.append("require (\n" + "".join(f"\t{line}\n" for line in found) + ")")
            blocks += [f"require {line}" for line in found[:1] if len(found) == 1]
        return blocks


versions = st.sampled_from(VERSIONS)
plain = st.builds(Requirement, versions, st.booleans())
remarked = st.builds(Requirement, versions, st.booleans(), st.sampled_from(REMARKS))
toolchains = st.sampled_from(["go1.27.3", "go1.27.4", "go1.27.10"])
imported = st.sets(st.sampled_from(MODULES))


def sides(requirement: st.SearchStrategy[Requirement]) -> st.SearchStrategy[Side]:
    requirements = st.dictionaries(st.sampled_from(MODULES), requirement)
    return st.builds(Side, requirements, st.frozensets(st.sampled_from(OTHERS)), toolchains)


templates, authors = sides(plain), sides(remarked)


@st.composite
def edited(draw: st.DrawFn, requirement: st.SearchStrategy[Requirement]) -> tuple[Side, Side]:
    """A template's files, and what became of them by a few edits: mostly still the same."""
    base = draw(templates)
    changes = draw(st.dictionaries(st.sampled_from(MODULES), st.none() | requirement, max_size=3))
    requirements = {**base.requirements, **changes}
    kept = {path: each for path, each in requirements.items() if each is not None}
    return base, replace(base, requirements=kept, others=base.others ^ draw(st.frozensets(st.sampled_from(OTHERS), max_size=2)))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Side, Side, Side]:
    base, ours = draw(edited(remarked))
    changes = draw(st.dictionaries(st.sampled_from(MODULES), st.none() | plain, max_size=3))
    kept = {path: each for path, each in {**base.requirements, **changes}.items() if each is not None}
    return base, ours, replace(base, requirements=kept, toolchain=draw(toolchains))


steady = settings(deadline=None, derandomize=True, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
"""The same examples in every run, however busy the machine is."""

any_sides = histories() | st.tuples(templates, authors, templates)


@steady
@given(edited(plain))
def test_untouched_files_become_the_templates(history: tuple[Side, Side]) -> None:
    base, theirs = history
    used = [path for path, each in theirs.requirements.items() if not each.indirect]

    done = merge(base.texts, base.texts, theirs.texts, lambda: used)

    assert (done.mod, done.sum) == (theirs.mod, theirs.texts.sum)
    assert done.complete


@steady
@given(edited(remarked), imported)
def test_without_a_change_of_the_templates_all_is_the_authors(history: tuple[Side, Side], used: Collection[str]) -> None:
    base, ours = history

    done = merge(base.texts, ours.texts, base.texts, lambda: used)

    assert (done.mod, done.sum, done.complete, done.warnings) == (ours.mod, ours.texts.sum, True, ())


@steady
@given(any_sides, imported)
def test_no_line_of_the_authors_is_lost(history: tuple[Side, Side, Side], used: Collection[str]) -> None:
    base, ours, theirs = history

    done = merge(base.texts, ours.texts, theirs.texts, lambda: used)

    result = required(done.mod)
    for path, each in ours.requirements.items():
        before = base.requirements.get(path)
        if before is None or each.remark:
            assert path in result
            assert order(result[path]) >= order(each.version) or before is not None
            assert not each.remark or f"{each.remark}" in "".join(line for line in lines(done.mod) if f" {path} " in line)
    assert (ours.others - base.others) <= set(lines(done.mod))
    if not done.complete:
        assert set(str(ours.texts.sum).splitlines()) <= set(str(done.sum).splitlines())


@steady
@given(any_sides, imported)
def test_nothing_is_below_what_the_template_requires_but_by_the_author(
    history: tuple[Side, Side, Side], used: Collection[str]
) -> None:
    base, ours, theirs = history

    result = required(merge(base.texts, ours.texts, theirs.texts, lambda: used).mod)

    for path, each in theirs.requirements.items():
        before, mine = base.requirements.get(path), ours.requirements.get(path)
        if before is None or (mine is not None and before.version != each.version):
            assert order(result[path]) >= order(each.version)
        if path in used and theirs != base:
            assert path in result


@steady
@given(any_sides, imported)
def test_a_merge_of_the_merged_changes_nothing(history: tuple[Side, Side, Side], used: Collection[str]) -> None:
    base, ours, theirs = history
    once = merge(base.texts, ours.texts, theirs.texts, lambda: used)

    again = merge(base.texts, Texts(once.mod, once.sum), theirs.texts, lambda: used)

    assert again.mod == once.mod
    assert again.sum == once.sum


@steady
@given(any_sides, imported)
def test_complete_means_that_the_template_requires_the_same(history: tuple[Side, Side, Side], used: Collection[str]) -> None:
    base, ours, theirs = history

    done = merge(base.texts, ours.texts, theirs.texts, lambda: used)

    if done.complete and theirs != base:
        assert required(done.mod) == {path: each.version for path, each in theirs.requirements.items()}
        assert done.sum == theirs.texts.sum


@steady
@given(any_sides, imported)
def test_line_ends_make_no_difference(history: tuple[Side, Side, Side], used: Collection[str]) -> None:
    base, ours, theirs = history
    plain = merge(base.texts, ours.texts, theirs.texts, lambda: used)
    windows = Texts(*(str(text).replace("\n", "\r\n") for text in (ours.mod, ours.texts.sum)))

    done = merge(base.texts, windows, theirs.texts, lambda: used)

    assert done.mod == str(plain.mod).replace("\n", "\r\n")
    assert replace(done, mod=plain.mod, sum=plain.sum) == plain


def required(mod: str | None) -> dict[str, str]:
    words = [line.split() for line in lines(mod) if line.startswith("require ")]
    return {path: version for _, path, version, *_ in words}


def order(version: str) -> tuple[object, ...]:
    return module_order(version) or ()
