"""Services of every release, and their update to the newest one."""

import io
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from gopherforge import catalog, source
from gopherforge.catalog import Value
from gopherforge.change import Options, Place
from gopherforge.report import Progress
from gopherforge.source import Source
from gopherforge.update import Request, update
from tests.core.history import git
from tests.support import PROOF_IS_FULL, Shared
from tests.update.ways import commit, rendering
from tests.variants import Variant, landmarks, variants

CHOSEN = variants() if PROOF_IS_FULL else landmarks()
"""The variants that are started from, where a release has their template."""


def starts(releases: Source, variant: Variant) -> dict[str, dict[str, Value]]:
    """The releases that have the variant's template, and of its answers those that they ask for and offer."""
    found = {}
    for version in releases.history.versions[:-1]:
        asked = catalog.load(releases.templates(version).root)
        if variant.template in asked.templates:
            keys = {question.key: question.values for question in asked.questions}
            answers = variant.answers.items()
            found[version] = {key: value for key, value in answers if key in keys and (not keys[key] or value in keys[key])}
    return found


def updated(
    shared: Shared, version: str, answers: Mapping[str, Value], service: Path, report: Path | None = None
) -> dict[str, object]:
    """Make a service of a release, and update it. Returns the data of the result."""
    shutil.copytree(rendering(shared, source.PACKAGE, version, answers), service)
    git(service, "init", "--quiet")
    commit(service, "Create user-service")
    place = Place(dict(os.environ), service.parent, Progress(io.StringIO()))
    return dict(update(Request(Options(service.name, report=report)), place).data)
