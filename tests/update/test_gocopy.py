"""Copies of services for the go command, with what their repository has beside them."""

import os
from pathlib import Path

from gopherforge.gocopy import Surroundings, check_out
from gopherforge.trees import store
from tests.update.authored import Authored, git

MOD = """module m

replace (
	a.org/a => ../../shared
	a.org/b => ./own
	a.org/c => ../../absent
	a.org/d => ../../../outside
	a.org/e => ../..
	a.org/f => ../../link/below
	a.org/g => a.org/other v1.0.0
)
"""


def test_what_modules_are_replaced_by_lies_beside_them(tmp_path: Path) -> None:
    mono = Authored(tmp_path / "mono", prefix="services/users")
    own = {"go.mod": MOD, "own/go.mod": "module b\n", "tools/go.mod": "module t\n\nreplace a.org/h => ../../../tools/h\r\n"}
    shared = {"shared/go.mod": "module a\n", "shared/sub/a.go": "package a\n", "tools/h/go.mod": "module h\n", "big.bin": "x\n"}
    for name, text in {**{f"services/users/{name}": text for name, text in own.items()}, **shared}.items():
        (mono.path / name).parent.mkdir(parents=True, exist_ok=True)
        (mono.path / name).write_text(text, newline="")
    (mono.path / "link").symlink_to(tmp_path)
    mono.commit("modules")
    (mono.path / "shared/go.mod").write_text("not committed\n")
    scratch = store(tmp_path, mono.path / ".git", os.environ)

    around = Surroundings(git(mono.path, "rev-parse", "HEAD"), "services/users/")
    directory = check_out(scratch, git(mono.path, "rev-parse", "HEAD:services/users"), around, tmp_path / "copy")

    assert directory == tmp_path / "copy/services/users"
    assert (directory / "own/go.mod").read_text() == "module b\n"
    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {path for path in copied if not path.startswith("services/")} == {"shared/go.mod", "shared/sub/a.go", "tools/h/go.mod"}
    assert (tmp_path / "copy/shared/go.mod").read_text() == "module a\n"
    assert not (tmp_path / "below").exists()
