"""Files of other languages than Go, each under the strictest checker of its kind."""

from fnmatch import fnmatch

import pytest

from tests.rendering import Rendering
from tests.support import Outcome, Shared, digest, program, run


def _schema(name: str) -> list[str]:
    return ["check-jsonschema", "--builtin-schema", f"vendor.{name}"]


CHECKS: dict[str, tuple[str, list[str]]] = {
    "hadolint": ("Dockerfile", ["hadolint"]),
    "compose schema": ("compose.yaml", _schema("compose-spec")),
    "dependabot schema": (".github/dependabot.yml", _schema("dependabot")),
    "workflow schema": (".github/workflows/*", _schema("github-workflows")),
    "actionlint": (".github/workflows/*", ["actionlint"]),
    "zizmor": (".github/*", ["zizmor", "--offline", "--persona=auditor", "--no-progress"]),
    "yamllint": ("*.y*ml", ["yamllint", "--strict", "--config-data", "{extends: relaxed, rules: {line-length: disable}}"]),
}
"""Which files a program checks, and how it is called."""


@pytest.mark.parametrize("check", CHECKS)
def test_format(check: str, rendering: Rendering, shared: Shared) -> None:
    pattern, command = CHECKS[check]
    files = {path: content for path, content in rendering.files.items() if fnmatch(path, pattern)}
    if not files:
        return  # whether a variant has the file is known to files.yml

    def work() -> Outcome:
        return run([program(command[0]), *command[1:], *sorted(files)], cwd=rendering.path)

    outcome = shared.outcome(f"formats/{command[0]}-{digest(files)}", work)

    assert outcome.status == 0, outcome


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_something_to_check(check: str, renderings: list[Rendering]) -> None:
    pattern, _ = CHECKS[check]

    assert any(fnmatch(path, pattern) for rendering in renderings for path in rendering.files)
