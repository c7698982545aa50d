"""The catalog against the real Copier: the same values, types, recorded keys, and the same answers refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from gopherforge.answers import complete, context
from gopherforge.catalog import Catalog, load
from gopherforge.errors import InvalidAnswer
from tests.unit.sources import dependent, this_repository
from tests.variants import Variant, variants

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What is known after the questions: every value, and what of it is recorded."""

    values: Mapping[str, Any]
    recorded: Mapping[str, Any]


def copier_tells(root: Path, given: Given, place: Path) -> Told | None:
    """What Copier makes of given answers; nothing where it refuses them."""
    try:
        copier.run_copy(str(root), place, data=dict(given), defaults=True, quiet=True, settings=copier.Settings())
    except (ValueError, copier.errors.CopierError):
        return None
    recorded = yaml.safe_load((place / ".copier-answers.yml").read_text(encoding="utf-8"))
    values = json.loads((place / "values.json").read_text(encoding="utf-8"))
    return Told(values, {key: value for key, value in recorded.items() if not key.startswith("_")})


def catalog_tells(catalog: Catalog, given: Given) -> Told | None:
    """What the catalog makes of them."""
    try:
        asked = complete(catalog, given)
    except InvalidAnswer:
        return None
    return Told(context(catalog, asked), asked)


def typed(told: Told | None) -> Any:
    """Told, with the types spelt out: True and 1 are equal in Python."""
    return told and [{key: (type(value), value) for key, value in part.items()} for part in (told.values, told.recorded)]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return this_repository(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dependent(tmp_path_factory.mktemp("others"))


NAMES = [
    *("user-service", "a1", "a" * 40, "api2", "x-y-z", "vendored", "com10"),
    *("", "a", "a" * 41, "1st", "-a", "a-", "User", "user_service", "a b", "üser", "user\n", " user", "con", "vendor", "lpt1"),
]
MODULES = [
    *("example.com/user", "users", "example.com/a/v2", "gopkg.in/acme/users.v1", "example.com/A_b~c+d.e", "example.com/x~y"),
    *("", "/a", "a/", "a//b", "a b", "-a/b", "a/.b", "a./b", "fmt/x", "internal/x", "example.com/con", "example.com/vendor/x"),
    *("example.com/v1", "example.com/a/v0", "a" * 201, "gopkg.in/acme/users", "example.com/[[ name ]]", "exämple.com/a"),
    *("example.com/a\n", "example.com/x~1"),
]
DESCRIPTIONS = [
    *(
        "One line.",
        "Quotes \" and ' and `",
        "[[ name ]] [% raw %] {{ x }}",
        "$(reboot) `id` ; & | > <",
        "back\\slash \\n",
        "日本語",
    ),
    *("# no comment", ": yaml", "- list", "yes", "123", "null", "~", " spaces ", "x" * 200),
    *("", "   ", "x" * 201, "two\nlines", "tab\tbed", "nul\0", "bell\a", "line\u2028separator"),
]
SINGLE: list[Given] = [
    {},
    *({"name": name} for name in NAMES),
    *({"name": "user-service", "module": module} for module in MODULES),
    *({"description": description} for description in DESCRIPTIONS),
    *({"license": licence} for licence in ("none", "MIT", "Apache-2.0", "mit", "", "GPL-3.0")),
    *({"database": database} for database in ("none", "postgres", "mysql", "", "None")),
    *({"template": "go-worker-pool", "source": source} for source in ("none", "rabbitmq", "sqs", "", "None")),
    *({"template": "go-grpc-service", "gateway": gateway} for gateway in (True, False, "yes", "no")),
    *(
        {"tracing": tracing}
        for tracing in (True, False, "true", "FALSE", "yes", "No", "on", "off", "t", "f", "y", "n", "1", "0", 1, 0)
    ),
    *({"ci": ci} for ci in ("github", "none", "gitlab")),
    {"template": "go-http-service"},
    {"template": "go-unknown"},
    {"name": None},
    {"description": ["a", "list"]},
    {"description": {"a": "mapping"}},
    {"tracing": None},
    {"license": ["MIT"]},
]


@pytest.mark.parametrize("given", SINGLE, ids=repr)
def test_each_answer_is_taken_or_refused_alike(ours: Path, tmp_path: Path, given: Given) -> None:
    assert typed(catalog_tells(load(ours), given)) == typed(copier_tells(ours, given, tmp_path))


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_combinations_are_equal(ours: Path, tmp_path: Path, variant: Variant) -> None:
    expected = copier_tells(ours, variant.answers, tmp_path)
    assert expected
    assert typed(catalog_tells(load(ours), variant.answers)) == typed(expected)


DEPENDENT = [
    {
        key: value
        for key, value in zip(("template", "verbose", "storage", "driver", "note"), values, strict=True)
        if value is not None
    }
    for values in product(
        (None, "worker"), (None, "true"), (None, "sql"), (None, "sqlx"), (None, "about data", "about [[ name ]]")
    )
]


@pytest.mark.parametrize("given", DEPENDENT, ids=repr)
def test_dependent_questions_are_equal(others: Path, tmp_path: Path, given: Given) -> None:
    catalog, expected = load(others), copier_tells(others, given, tmp_path)
    if expected and given.keys() - expected.recorded.keys():
        # Copier takes the answer to a question that it does not ask, uses it, and forgets it in the next update.
        assert catalog_tells(catalog, given) is None
    else:
        assert typed(catalog_tells(catalog, given)) == typed(expected)


@pytest.mark.parametrize("given", [given for given in DEPENDENT if "note" not in given], ids=repr)
def test_giving_all_answers_changes_nothing(others: Path, tmp_path: Path, given: Given) -> None:
    told = catalog_tells(load(others), given)
    if told:
        assert typed(copier_tells(others, told.recorded, tmp_path)) == typed(told)


SURPRISING = [
    ({"tracing": "flase"}, True, "a misspelt word counts as true"),
    ({"tracing": ["false"]}, True, "so does a list"),
    ({"tracing": "0.5"}, True, "and any number"),
    ({"tracing": "none"}, False, "and YAML's word for nothing as false"),
    ({"description": True}, "True", "an unquoted yes is text"),
    ({"description": 1.10}, "1.1", "an unquoted version loses its zero"),
    ({"description": 0o10}, "8", "an unquoted mode is another number"),
    ({"go_version": "1.2"}, "1.2", "a computed value is given, used and not recorded"),
    ({"source": "kafka"}, "kafka", "so is the answer to another template's question"),
    ({"unknown": "x"}, None, "a key that is no question is ignored"),
]


@pytest.mark.parametrize(("given", "value", "why"), SURPRISING)
def test_where_copier_surprises_the_answer_is_refused(ours: Path, tmp_path: Path, given: Given, value: object, why: str) -> None:
    told = copier_tells(ours, given, tmp_path)
    assert told is not None, why
    assert [told.values.get(key) for key in given] == [value], why
    assert catalog_tells(load(ours), given) is None
