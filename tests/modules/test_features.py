"""maintenance/modules.yml says what the templates import, and the lock data were made from it."""

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from maintenance import modules
from maintenance.goproject import Failed
from tests import source
from tests.modules.rendered import by_macros, by_rule, features_of, subsets
from tests.rendering import Rendering, render_variant
from tests.support import Shared
from tests.variants import Variant, variants

PROGRAMS = modules.read(modules.SOURCE)
GO = modules.pinned_go(modules.VALUES)
LOCKS = {name: (modules.LOCKS / f"{name}.json").read_text(encoding="utf-8") for name in PROGRAMS}

IMPORTS = re.compile(r"^import (?:\((.*?)^\)|(.*?)$)", re.DOTALL | re.MULTILINE)
PATH = re.compile(r'^\s*(?:[\w.]+ )?"([^"]+)"', re.MULTILINE)


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_the_features_of_a_service_are_what_it_imports(variant: Variant, shared: Shared) -> None:
    rendering = render_variant(shared, variant)
    features = [PROGRAMS["service"].features[name] for name in features_of("service", variant)]

    imports = imported(rendering, by_tests=False)
    tests = imported(rendering, by_tests=True) - imports
    assert (sorted(imports), sorted(tests)) == (
        sorted({path for feature in features for path in feature.imports}),
        sorted({path for feature in features for path in feature.tests} - imports),
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_feature_has_its_use(program: str) -> None:
    used = {name for variant in variants() for name in features_of(program, variant)}

    assert used == set(PROGRAMS[program].features)


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_a_service_requires_what_the_rule_says(variant: Variant, shared: Shared) -> None:
    texts = render_variant(shared, variant).texts
    pins = f"\ngo {GO.version}\n\ntoolchain go{GO.toolchain}\n"

    for program, folder, module in (
        ("service", "", "example.com/user-service"),
        ("tools", "tools/", "example.com/user-service/tools"),
    ):
        requirements, sums = by_rule(json.loads(LOCKS[program]), features_of(program, variant))
        assert texts[f"{folder}go.mod"] == f"module {module}\n{pins}{requirements}"
        assert texts[f"{folder}go.sum"] == sums


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_macros_follow_the_rule_for_any_two_features(program: str) -> None:
    lock = json.loads(LOCKS[program])

    for names in subsets(PROGRAMS[program].features):
        assert by_macros(LOCKS[program], names) == by_rule(lock, names)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_lock_data_hold_no_template_text(program: str) -> None:
    assert re.search(r"\[[\[%#]", LOCKS[program]) is None


def test_every_dependency_has_its_reason() -> None:
    decision = (source.ROOT / "docs/decisions/0002-dependencies-of-a-service.md").read_text(encoding="utf-8")
    direct = {path for feature in json.loads(LOCKS["service"])["features"].values() for path in feature["direct"]}

    assert set(re.findall(r"^\| `(\S+)` \|", decision, re.MULTILINE)) == direct | PROGRAMS["tools"].versions.keys()


def test_the_lock_data_were_made_from_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    status = modules.main(["--check"])

    assert (status, *capsys.readouterr()) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [("pgx/v5: v5", "pgx/v5: v6"), ("collectors", "collectors2"), ("tests:", "tools:")],
)
def test_check_finds_a_change(old: str, new: str, tmp_path: Path) -> None:
    changed = tmp_path / "modules.yml"
    changed.write_text(modules.SOURCE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(Failed, match=r"^service\.json was not made from modules\.yml as it is now: run `make modules`\.$"):
        modules.check(modules.read(changed)["service"], GO, modules.LOCKS / "service.json")


def test_check_finds_another_go() -> None:
    with pytest.raises(Failed, match="was not made from"):
        modules.check(PROGRAMS["service"], replace(GO, version="1.28.0"), modules.LOCKS / "service.json")


def test_check_does_not_mind_comments(tmp_path: Path) -> None:
    changed = tmp_path / "modules.yml"
    changed.write_text(f"# A comment.\n{modules.SOURCE.read_text(encoding='utf-8')}", encoding="utf-8")

    modules.check(modules.read(changed)["service"], GO, modules.LOCKS / "service.json")


def test_check_finds_missing_lock_data(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"^service\.json was not made"):
        modules.check(PROGRAMS["service"], GO, tmp_path / "service.json")


def imported(rendering: Rendering, *, by_tests: bool) -> set[str]:
    """The packages that a rendering takes from other modules."""
    texts = [text for path, text in rendering.texts.items() if path.endswith(".go") and is_of_tests(path) == by_tests]
    paths = {path for text in texts for block in IMPORTS.findall(text) for path in PATH.findall("".join(block))}
    return {path for path in paths if "." in path.split("/")[0] and not path.startswith(f"{rendering.module}/")}


def is_of_tests(path: str) -> bool:
    """Also where it belongs to a package that only tests import: net/http/httptest set the custom of its name."""
    return path.endswith("_test.go") or PurePosixPath(path).parent.name.endswith("test")
