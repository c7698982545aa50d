"""answers.py: given answers, and what is wrong about them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gopherforge.answers import check, complete, distinctive, read
from gopherforge.catalog import Catalog, load
from gopherforge.errors import InvalidAnswer, InvalidDataFile, UsageError
from tests.source import CATALOG
from tests.unit.sources import DEPENDENT, build

Given = Mapping[str, Any]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(build(tmp_path, DEPENDENT))


def test_data_wins_over_the_file_and_the_last_of_data_over_the_first(tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("name: from-file\nci: none\ntracing: false\n")
    assert read(["name=first", "name=last=is=last"], file) == {"name": "last=is=last", "ci": "none", "tracing": False}


@pytest.mark.parametrize("argument", ["name", "", "=value", " =value"])
def test_data_without_a_key_is_bad_usage(argument: str) -> None:
    with pytest.raises(UsageError, match="--data takes KEY=VALUE, not"):
        read([argument], None)


@pytest.mark.parametrize("content", [b"", b"# nothing yet\n", b"\xef\xbb\xbfname: a\n", b"{name: a}\n", b"---\nname: a\n"])
def test_a_data_file_holds_a_mapping_or_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "answers.yml"
    file.write_bytes(content)
    assert read([], file) in ({}, {"name": "a"})


BOMB = b"a: &a [x, x, x]\n" + b"".join(b"%c: &%c [*%c, *%c, *%c]\n" % (c + 1, c + 1, c, c, c) for c in range(97, 121))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "holds a list, not a mapping"),
        (b"just text", 'holds "just text", not a mapping'),
        (b"1: a\n", "has a key that is not text but a number"),
        (b"yes: a\n", "has a key that is not text but true"),
        (b"~: a\n", "has a key that is not text but nothing"),
        (b"? [a, b]\n: c\n", "is not valid YAML in line 1: found unhashable key"),
        (b"name: [a\n", "is not valid YAML in line 2: expected ',' or ']'"),
        (b"name: a\nname: b\n", 'is not valid YAML in line 2: "name" is given twice'),
        (b"name: !!python/object/apply:os.system [id]\n", "is not valid YAML in line 1: could not determine a constructor"),
        (b"--- \na: b\n---\nc: d\n", "is not valid YAML in line 3: but found another document"),
        (BOMB, "is not valid YAML: aliases are not supported here"),
        (b"a: &a {b: c}\nd: {<<: *a}\n", "is not valid YAML: aliases are not supported here"),
        (b"\x7fELF\x02\x01\x01\x00", "is not valid YAML: special characters are not allowed"),
        (b"\x89PNG\r\n", "is not a text file in UTF-8"),
        (b"a: " + b"[" * 5000, "holds a value that YAML cannot represent"),
        (b"a: 2026-99-99\n", "holds a value that YAML cannot represent"),
        (b"a: " + b"9" * 5000 + b"\n", "holds a value that YAML cannot represent"),
        (b"#" * (1 << 20) + b"\n", "is larger than 1 MiB"),
    ],
)
def test_any_other_file_is_refused_with_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "answers.yml"
    file.write_bytes(content)
    with pytest.raises(InvalidDataFile) as refused:
        read([], file)
    assert refused.value.message.startswith(f"{file} {message}")
    assert refused.value.message.endswith(".")
    assert "\n" not in refused.value.message


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataFile, match="cannot be read: No such file or directory"):
        read([], tmp_path / "absent.yml")
    with pytest.raises(InvalidDataFile, match="cannot be read: Is a directory"):
        read([], tmp_path)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(InvalidDataFile, match="is larger than 1 MiB"):
        read([], Path("/dev/zero"))


def test_a_pipe_is_a_file() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"name: a\n")
    os.close(writing)
    assert read([], Path(f"/dev/fd/{reading}")) == {"name": "a"}
    os.close(reading)


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"databse": "none"}, ['"databse" is not a question. Did you mean "database"?']),
        ({"Tracing": "true"}, ['"Tracing" is not a question. Did you mean "tracing"?']),
        ({"x\n" * 9: "y"}, [r'"x\nx\nx\nx\nx\nx\nx\nx\nx\n" is not a question.']),
        ({"go_version": "1.1"}, ['"go_version" follows from other answers and cannot be given.']),
        ({"license": "mit"}, ['license cannot be "mit": none, Apache-2.0 or MIT. Did you mean "MIT"?']),
        ({"license": "apache"}, ['license cannot be "apache": none, Apache-2.0 or MIT. Did you mean "Apache-2.0"?']),
        ({"database": "mysql"}, ['database cannot be "mysql": none or postgres.']),
        (
            {"template": "go-http"},
            ['template cannot be "go-http": go-http-service, go-grpc-service or go-worker-pool. Did you mean "go-http-service"?'],
        ),
        ({"tracing": "flase"}, ['tracing takes true or false, not "flase".']),
        ({"tracing": 2}, ["tracing takes true or false, not a number."]),
        ({"description": True}, ["description takes text, not true: put it in quotes."]),
        ({"description": "\udcff"}, ["description is not valid UTF-8."]),
        ({"name": "con"}, ['name: "con" is a reserved word of Go, Docker or Windows: choose another name, such as con-service.']),
        ({"name": "on"}, ['name: YAML does not take "on" for text: choose another name, such as on-service.']),
        (
            {"nmae": "a", "ci": "gitlab", "module": "a/v1"},
            [
                '"nmae" is not a question. Did you mean "name"?',
                'ci cannot be "gitlab": github or none.',
                "module: A module path ends in a major version only from /v2 on.",
            ],
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once(given: Given, sentences: list[str]) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        check(CATALOG, given)
    assert refused.value.message.splitlines() == sentences
    assert refused.value.hint == "`gopherforge options` lists every question and its answers."


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"template": "go-http-service", "source": "nats"}, '"source" is not asked by go-http-service, but by go-worker-pool.'),
        (
            {"template": "go-worker-pool", "database": "none"},
            '"database" is not asked by go-worker-pool, but by go-http-service or go-grpc-service.',
        ),
        ({"source": "nats", "ci": "none", "database": "none"}, 'no template asks "database" and "source" together.'),
    ],
)
def test_an_answer_that_the_template_never_asks_for_is_refused(given: Given, sentence: str) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        check(CATALOG, given)
    assert refused.value.message == sentence


def test_a_template_that_is_not_given_is_still_asked_for_or_takes_its_default() -> None:
    check(CATALOG, {"source": "nats"})
    with pytest.raises(InvalidAnswer, match=r'^"source" is not asked by go-http-service, but by go-worker-pool\.$'):
        complete(CATALOG, {"source": "nats"})


def test_an_answer_that_no_template_asks_for_says_no_more(tmp_path: Path) -> None:
    never = {"questions/derived.yml": 'lost: {type: bool, help: "Lost?", default: true, when: "[[ name == \'\' ]]"}\n'}
    with pytest.raises(InvalidAnswer, match=r'^"lost" is not asked by web\.$'):
        check(load(build(tmp_path, DEPENDENT | never)), {"template": "web", "lost": "no"})


def test_an_answer_that_these_answers_do_not_lead_to_is_refused(catalog: Catalog) -> None:
    check(catalog, {"driver": "pgx"})  # it may still be asked
    with pytest.raises(InvalidAnswer, match=r'^"driver" is not asked with these answers\.$'):
        complete(catalog, {"driver": "pgx"})


def test_a_default_that_other_answers_make_invalid_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidAnswer, match=r"^note: A note has at most 40 characters\.$"):
        complete(catalog, {"name": "a-service-with-a-long-name"})


def test_the_rest_takes_its_defaults(catalog: Catalog) -> None:
    assert complete(catalog, {"storage": "sql", "verbose": "yes"}) == {
        "template": "web",
        "name": "my-service",
        "verbose": True,
        "loud": True,
        "storage": "sql",
        "driver": "sqlx",
        "note": "my-service keeps its data in sql",
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "other"},
        {"template": "worker", "verbose": True},
        {"verbose": True, "loud": False},
        {"storage": "sql"},
        {"storage": "sql", "verbose": True, "driver": "pgx"},
        {"storage": "sql", "driver": "sqlx", "note": "No data."},
    ],
)
def test_the_distinctive_answers_are_the_fewest_that_lead_to_all(catalog: Catalog, given: Given) -> None:
    answers = complete(catalog, given)
    few = distinctive(catalog, answers, "my-service")
    assert complete(catalog, {"name": "my-service", **few}) == answers
    for key in few:
        fewer = {each: value for each, value in few.items() if each != key}
        assert complete_or_none(catalog, {"name": "my-service", **fewer}) != answers


def complete_or_none(catalog: Catalog, given: Given) -> Given | None:
    try:
        return complete(catalog, given)
    except InvalidAnswer:
        return None
