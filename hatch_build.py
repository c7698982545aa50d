"""Puts the templates' history, as a git bundle, into the sdist and into the wheel."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplatesBundle(BuildHookInterface[Any]):
    """An editable installation carries nothing: it reads its checkout when it runs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle, from git or from the bundle that an unpacked sdist carries, and have it included."""
        if version == "editable":
            return
        self.scratch = tempfile.TemporaryDirectory(prefix="gopherforge-build-")
        carried = self._carry(Path(self.scratch.name).resolve())
        included = build_data["force_include"]
        if self.target_name == "sdist":
            included[str(carried / "templates.bundle")] = "templates.bundle"
        else:
            included[str(carried)] = "gopherforge/carried"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was made for the build."""
        if version != "editable":
            self.scratch.cleanup()

    def _carry(self, scratch: Path) -> Path:
        sys.path.insert(0, str(Path(self.root, "src")))  # the package that is being built, of which this needs no dependency
        from gopherforge import bundle
        from gopherforge.errors import ForgeError

        try:
            return bundle.carry(Path(self.root), scratch, os.environ)
        except ForgeError as error:
            raise SystemExit(" ".join(filter(None, [f"Cannot build: {error.message}", error.hint]))) from error
