"""The work tree as if it had just been released: what depends on a version is then the same at every commit."""

import shutil
from pathlib import Path

from gopherforge import __version__
from tests import source
from tests.core.history import Project
from tests.core.installation import MADE_OF


def release(path: Path) -> Project:
    """A repository at this path with the tool, its templates, and one commit: the release of the present version."""
    project = Project(path)
    for part in MADE_OF:
        origin = source.ROOT / part
        if origin.is_dir():
            shutil.copytree(origin, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, path / part)
    project.commit(f"release: v{__version__}", {})
    return project
