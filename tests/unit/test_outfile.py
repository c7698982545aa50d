"""Files that tell of something else, and are there once it has happened."""

import os
import sys
from pathlib import Path

import pytest

from gopherforge.errors import CannotWrite
from gopherforge.outfile import replaced, writable
from tests.support import run


def test_a_file_stays_as_it_was_where_it_did_not_happen(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("older\n")
    with pytest.raises(KeyboardInterrupt), replaced(writable(path), "newer\n"):
        raise KeyboardInterrupt
    assert path.read_text() == "older\n"
    assert list(tmp_path.iterdir()) == [path]
    with replaced(writable(path), "newer\n"):
        assert path.read_text() == "older\n"
    assert path.read_text() == "newer\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link.md").symlink_to("far/report.md")
    for text in ("first\n", "second\n"):
        with replaced(writable(tmp_path / "link.md"), text):
            pass
        assert (tmp_path / "link.md").is_symlink()
        assert (tmp_path / "far/report.md").read_text() == text


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    (tmp_path / "link").symlink_to(f"/dev/fd/{writer}")
    with replaced(writable(tmp_path / "link"), "text\n"):
        pass
    assert os.read(reader, 100) == b"text\n"
    os.close(reader)
    os.close(writer)


def test_no_file_that_is_written_to_already_is_replaced(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as log, pytest.raises(CannotWrite, match=r"/dev/fd/\d+: it leads to an open file\.$"):
        writable(Path(f"/dev/fd/{log.fileno()}"))


MOUNTED = 'mount --bind "$1/host.md" "$1/report.md" && exec "$2" -c "$3" "$1/report.md"'
WRITER = """if True:
    import pathlib, sys
    from gopherforge.outfile import replaced, writable
    with replaced(writable(pathlib.Path(sys.argv[1])), "newer"):
        pass
"""


def test_a_mounted_file_is_written_in_its_place(tmp_path: Path) -> None:
    """As in a container that is given one file."""
    (tmp_path / "host.md").write_text("older")
    (tmp_path / "report.md").touch()
    alone = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]
    done = run([*alone, "sh", "-c", MOUNTED, "sh", str(tmp_path), sys.executable, WRITER], cwd=tmp_path)
    assert done.status == 0, done
    assert (tmp_path / "host.md").read_text() == "newer"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host.md", "report.md"]
