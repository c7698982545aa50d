"""A Go module proxy in a directory, with modules made for a test."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import gotools


@dataclass(frozen=True)
class Published:
    """A module version: its requirements (path and version), and its packages: file to the packages that it imports."""

    path: str
    version: str
    files: Mapping[str, tuple[str, ...]]
    requires: tuple[str, ...] = ()
    go: str = "1.21"

    @property
    def mod(self) -> str:
        return f"module {self.path}\n\ngo {self.go}\n" + "".join(f"\nrequire {requirement}\n" for requirement in self.requires)

    @property
    def zip(self) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(f"{self.path}@{self.version}/go.mod", self.mod)
            for file, imports in self.files.items():
                text = "package p\n" + "".join(f'\nimport _ "{path}"\n' for path in imports)
                archive.writestr(f"{self.path}@{self.version}/{file}", text)
        return content.getvalue()


def _publish(directory: Path, *modules: Published) -> str:
    """The URL of a proxy that serves these modules."""
    for module in modules:
        place = directory / _escaped(module.path) / "@v"
        place.mkdir(parents=True, exist_ok=True)
        name = _escaped(module.version)
        (place / f"{name}.info").write_text(json.dumps({"Version": module.version}))
        (place / f"{name}.mod").write_text(module.mod)
        (place / f"{name}.zip").write_bytes(module.zip)
        with (place / "list").open("a") as versions:
            versions.write(f"{module.version}\n")
    return directory.as_uri()


@contextmanager
def only(place: Path, *modules: Published) -> Iterator[dict[str, str]]:
    """The environment of a Go for which there are these modules and no others, with a cache of its own, empty at first."""
    goroot = gotools.go(place, "env", "GOROOT").output.strip()
    environ = gotools.environment()
    environ |= {
        "PATH": f"{goroot}/bin:{environ['PATH']}",
        "GOMODCACHE": str(place / "cache"),
        "GOPROXY": _publish(place / "proxy", *modules),
        "GOSUMDB": "off",
    }
    yield environ
    gotools.go(place, "clean", "-modcache", **environ)  # its directories are read-only


def _escaped(text: str) -> str:
    """As the proxy protocol writes capital letters."""
    return re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", text)
