"""A rendered project, as tests look at it."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from copier import Settings, run_copy

from tests import source
from tests.support import Shared
from tests.variants import Variant

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Rendering:
    """A project on disk, only to be read."""

    variant: Variant
    path: Path

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Every file's content by its path, which is relative and has slashes."""
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes() for path in sorted(self.path.rglob("*")) if path.is_file()
        }

    @property
    def module(self) -> str:
        return self.texts["go.mod"].split()[1]

    @cached_property
    def texts(self) -> dict[str, str]:
        return {path: content.decode() for path, content in self.files.items()}


def copy_template(destination: Path) -> Path:
    """Copies the work tree's templates, without git, which would have Copier render a commit."""
    destination.mkdir(parents=True)
    for part in source.PARTS:
        origin = source.ROOT / part
        (shutil.copytree if origin.is_dir() else shutil.copy2)(origin, destination / part)
    return destination


def render(template: Path, destination: Path, answers: dict[str, Any]) -> Path:
    """Renders with the answers given and the defaults for the rest, whatever settings the user has for Copier."""
    run_copy(str(template), destination, data=answers, defaults=True, quiet=True, settings=Settings())
    return destination


def render_variant(shared: Shared, variant: Variant) -> Rendering:
    """The variant's rendering, made once a session."""
    template = shared.directory("template", copy_template)
    name = str(variant).replace(":", "-")
    path = shared.directory(f"renderings/{name}", lambda empty: render(template, empty, variant.answers))
    return Rendering(variant, path)
