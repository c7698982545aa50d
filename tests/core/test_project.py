"""What a service records is read as YAML says, and what is no record is told in a sentence."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gopherforge.errors import InvalidProject
from gopherforge.project import Record, parse_record, read_record

HEAD = "# Written by Copier.\n_commit: v0.1.0\n_src_path: https://x.git\n"

WORDS = "true True tRue yes On null ~ a ab /a v1.2 1 0x1 1.5 2026-11-22 .inf e1 - << --- ... 'a b' ''"
SIGNS = "' \" : # , ( ) [ ] { } % @ ! & * ? | > ="
SPACES = [" ", "  ", "\t", "\n", "\r", "\n ", "\\", "é", "\x01", "\x85", ": ", " #"]
LINES = st.lists(st.sampled_from([*WORDS.split(" "), *SIGNS.split(" "), *SPACES]))


def test_the_record_is_the_address_the_version_and_the_answers(tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").write_text(
        "# Written by Copier.\n_commit: v0.1.0\n_src_path: https://x.git\nname: users\ntracing: true\n"
    )

    assert read_record(tmp_path) == Record("https://x.git", "v0.1.0", {"name": "users", "tracing": True})


@pytest.mark.parametrize(
    "content",
    ["", "- a list\n", "name: users\n", "_commit: v0.1.0\nname: users\n", "_commit: 1\n_src_path: x\n"],
)
def test_a_record_without_address_or_version_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / ".copier-answers.yml").write_text(content)
    with pytest.raises(InvalidProject, match="does not say which template the service was made from"):
        read_record(tmp_path)


def is_json(document: dict[object, object]) -> bool:
    """Whether a mapping can be told to programs: not with dates or infinities, and not with other keys than text."""
    try:
        return all(isinstance(key, str) for key in document) and bool(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError):
        return False


@settings(deadline=None)
@given(key=st.sampled_from(["name", "_a", "on", "n", "true", "# a"]), value=LINES)
@example("name", ["a", "\n", "name: b"])
@example("name", ["a", "\n", " b"])
@example("name", ["''"])
@example("name", ["yes"])
@example("name", ["tRue"])
@example("name", ["a", ": ", "b"])
@example("name", ["a", " #", "b"])
@example("name", ["2026-11-22"])
@example("name", [".inf"])
def test_every_value_is_what_yaml_takes_it_for(key: str, value: list[str]) -> None:
    text = f"{HEAD}{key}: {''.join(value)}\n"
    try:
        expected = yaml.safe_load(text)
    except yaml.YAMLError:
        expected = None
    try:
        record = parse_record(text.encode(), Path("answers"))
    except InvalidProject:
        assert expected is None or not is_json(expected)
    else:
        assert {"_commit": record.version, "_src_path": record.url, **record.answers} == expected


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"name: [",
        b"name: !!python/object:os.system {}\n",
        b"name: !!bool maybe\n",
        b'name: !!int ""\n',
        b"name: !!timestamp a\n",
        b"name: 2026-99-99\n",
    ],
)
def test_a_record_that_is_no_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".copier-answers.yml").write_bytes(content)
    with pytest.raises(InvalidProject, match="cannot be read as YAML"):
        read_record(tmp_path)


@pytest.mark.parametrize(("key", "what"), [("on", "true"), ("1", "a number"), ("null", "nothing"), ("2026-11-22", "a date")])
def test_a_key_that_is_no_text_is_refused(tmp_path: Path, key: str, what: str) -> None:
    (tmp_path / ".copier-answers.yml").write_text(f"{HEAD}{key}: a\n")
    with pytest.raises(InvalidProject, match=f"has a key that is not text but {what}: put it in quotes"):
        read_record(tmp_path)


def test_a_directory_without_a_record_is_no_service(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match=r"is no service that gopherforge made: it has no \.copier-answers\.yml"):
        read_record(tmp_path)
