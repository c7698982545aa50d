from pathlib import Path

import pytest

from gopherforge.errors import InvalidProject
from gopherforge.project import Record, read_record


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


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name: [", b"name: !!python/object:os.system {}\n"])
def test_a_record_that_is_no_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".copier-answers.yml").write_bytes(content)
    with pytest.raises(InvalidProject, match="cannot be read as YAML"):
        read_record(tmp_path)


def test_a_directory_without_a_record_is_no_service(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match=r"is no service that gopherforge made: it has no \.copier-answers\.yml"):
        read_record(tmp_path)
