"""Two releases of the real templates, of which the second changes files, questions, modules and code as no real one does."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from tests import source
from tests.core.history import Project

OLD, NEW = "v0.1.0", "v0.2.0"

Change = Callable[[Path], None]
"""What is changed in a checkout of the templates."""

LOCK = "templates/_shared/gomod/service.json"
YAML, HUMANIZE = "go.yaml.in/yaml/v3", "github.com/dustin/go-humanize"
YAML_SUMS = {
    "v3.0.5": "h1:N6y/pJk8buWs9NY5ERU2HSMfm+IuD/OtfdAnq6kESPw=",
    "v3.0.6": "h1:zcDfvjXEqTQmpjniUBLc91xYJMB2c4QOFxEF/LCEckM=",
}
"""The hashes of both versions of a module; their go.mod files are the same."""

TOOLS_LOCK = "templates/_shared/gomod/tools.json"
OLDER_TOOLS = {
    "golang.org/x/mod": (
        "v0.41.0",
        "h1:qJmnOUb4YB+FsEuM3HcWucdZASCPGhsX6uljO6pog0c=",
        "h1:Ek9pY8RKWXwsWvd3rQiHYtMqkjSUV+s1Rj7j4H5Ur6o=",
    ),
    "golang.org/x/sync": (
        "v0.23.0",
        "h1:KameEIfc1IkluZyXWLn39Wd4tURc6GbCiISGiZm2bQk=",
        "h1:sUUOizhqBxiL6pEWpqNLUiaJn1ShEbZ6BBqskPbjZm0=",
    ),
}
"""Modules of the tools, one beside the other: a version that is no longer the newest, its hash and that of its go.mod."""

LIFECYCLE, TELEMETRY = "internal/platform/lifecycle", "internal/platform/telemetry"

UPTIME = f"""package telemetry

import (
	"time"

	"{HUMANIZE}"
)

var started = time.Now()

// Uptime says for how long the process has been running.
func Uptime() string {{
	return humanize.RelTime(started, time.Now(), "", "")
}}
"""

QUESTION = """
maintainer:
  type: str
  help: Who maintains the service?
  default: nobody yet
"""

SUCCESSOR = """
runs_on:
  type: str
  help: Where does the service run?
  choices:
    Kubernetes, with kustomize: kustomize
    Elsewhere, I bring my own: none
  default: "[[ 'none' if deploy | default('kubernetes') == 'none' else 'kustomize' ]]"
"""

STEPS = """      - name: Format
        run: make fmt-check
      - name: Vet
        run: make vet
      - name: Build
        run: make build
"""
FEWER_STEPS = """      - name: Format, vet, build
        run: make fmt-check vet build
"""

CHECKOUT = re.compile(r"actions/checkout@[0-9a-f]{40} # v[0-9.]+")

FORWARDER = """
// ReadBuild is NewBuild.
//
//go:fix inline
func ReadBuild(service, version string) Build { return NewBuild(service, version) }
"""


def releases(path: Path, changes: Iterable[Change] | None = None) -> Project:
    """A project with v0.1.0 and v0.2.0, which has these changes, or all."""
    project = Project(path)
    for part in source.PARTS:
        origin = source.ROOT / part
        (shutil.copytree if origin.is_dir() else shutil.copy2)(origin, path / part)
    age(path)
    project.commit(f"release: {OLD}", {"CHANGELOG.md": "# Changelog\n"})
    for change in CHANGES if changes is None else changes:
        change(path)
    project.commit(f"release: {NEW}", {})
    return project


def age(root: Path) -> None:
    """Make the templates those of an earlier time: with older versions of modules, a file that is no more, and its module."""
    _lock_yaml(root, "v3.0.6", "v3.0.5")
    _lock_older_tools(root)
    lock = json.loads((root / LOCK).read_text(encoding="utf-8"))
    lock["features"]["service"]["direct"].append(HUMANIZE)
    _write_lock(root, lock)
    _everywhere(root, f"{TELEMETRY}/uptime.go", UPTIME)


def rename_a_file(root: Path) -> None:
    """signals.go of the lifecycle becomes interrupts.go."""
    for template in _templates(root):
        (template / f"{LIFECYCLE}/signals.go.jinja").rename(template / f"{LIFECYCLE}/interrupts.go.jinja")


def split_a_file(root: Path) -> None:
    """metrics.go of the telemetry leaves the readiness to readiness.go."""
    text = (root / f"templates/_shared/{TELEMETRY}/metrics.go").read_text(encoding="utf-8")
    registry, comment, readiness = text.partition("// NewReadiness")
    assert comment
    imports = 'import (\n\t"context"\n\n\t"github.com/prometheus/client_golang/prometheus"\n)\n'
    for template in _templates(root):
        metrics = registry.rstrip().replace('\t"context"\n\n', "") + "\n"
        (template / f"{TELEMETRY}/metrics.go.jinja").write_text(metrics, encoding="utf-8")
    _everywhere(root, f"{TELEMETRY}/readiness.go", f"package telemetry\n\n{imports}\n{comment}{readiness}")


def move_a_file(root: Path) -> None:
    """The dashboard of the runtime gets a directory of its own."""
    for template in _templates(root):
        (template / "deploy/dashboards").mkdir()
        (template / "deploy/grafana/runtime.json.jinja").rename(template / "deploy/dashboards/runtime.json.jinja")


def delete_a_file(root: Path) -> None:
    """The alerts of the runtime lose their tests."""
    for template in _templates(root):
        (template / "deploy/prometheus/tests/runtime.yaml.jinja").unlink()


def ask_a_question(root: Path) -> None:
    """`maintainer`, which the image's labels tell."""
    _append(root / "questions/delivery.yml", QUESTION)
    title = 'LABEL org.opencontainers.image.title="[[ name ]]"'
    _replace(root / "templates/_shared/Dockerfile", title, f'{title} org.opencontainers.image.authors="[[ maintainer ]]"')


def change_a_default(root: Path) -> None:
    """New services no longer trace; those that there are do not change for it."""
    _replace(root / "questions/observability.yml", "default: true", "default: false")


def drop_a_choice(root: Path) -> None:
    """`deploy=kubernetes` is succeeded by `runs_on=kustomize`, a question with another name."""
    questions = root / "questions/delivery.yml"
    before, deploy, rest = questions.read_text(encoding="utf-8").partition("\ndeploy:\n")
    assert deploy
    _, *others = re.split(r"(?m)^(?=\w+:\n)", rest)
    questions.write_text(before + SUCCESSOR + "".join(f"\n{other}" for other in others), encoding="utf-8")
    deployed = '{} | default("{}") != "{}"'.format  # with a default, since Copier excludes from old renderings by new rules
    _replace(root / "copier.yml", deployed("deploy", *["kubernetes"] * 2), deployed("runs_on", *["kustomize"] * 2))
    for path in (root / "templates").rglob("*"):
        if path.is_file() and 'deploy == "kubernetes"' in (text := path.read_text(encoding="utf-8")):
            path.write_text(text.replace('deploy == "kubernetes"', 'runs_on == "kustomize"'), encoding="utf-8")


def bump_a_dependency(root: Path) -> None:
    """go.yaml.in/yaml/v3 gets its newest version."""
    _lock_yaml(root, "v3.0.5", "v3.0.6")


def bump_the_tools(root: Path) -> None:
    """Two modules of the tools get their newest versions."""
    shutil.copy2(source.ROOT / TOOLS_LOCK, root / TOOLS_LOCK)


def drop_a_dependency(root: Path) -> None:
    """uptime.go goes, and with it the module that only it imported."""
    for template in _templates(root):
        (template / f"{TELEMETRY}/uptime.go").unlink()
    lock = json.loads((root / LOCK).read_text(encoding="utf-8"))
    lock["features"]["service"]["direct"].remove(HUMANIZE)
    _write_lock(root, lock)


def rewrite_the_ci(root: Path) -> None:
    """Three steps become one, and every job gets more time."""
    ci = root / "templates/_shared/github/ci.yml"
    _replace(ci, STEPS, FEWER_STEPS)
    text = ci.read_text(encoding="utf-8")
    ci.write_text(text.replace("timeout-minutes: 15", "timeout-minutes: 20"), encoding="utf-8")


def bump_pins(root: Path) -> None:
    """An action and the image of the database get newer versions."""
    newer = f"actions/checkout@{'8' * 40} # v98.0.0"
    for path, old, new in [
        ("templates/_shared/github/ci.yml", CHECKOUT, newer),
        ("questions/derived.yml", re.compile(r"default: postgres:\d+\.\d+"), "default: postgres:98.0"),
    ]:
        text, times = old.subn(new, (root / path).read_text(encoding="utf-8"))
        assert times
        (root / path).write_text(text, encoding="utf-8")


def rename_an_exported_name(root: Path) -> None:
    """telemetry.ReadBuild becomes NewBuild; the old name leads there, and `go fix` as well."""
    build = root / f"templates/_shared/{TELEMETRY}/build.go"
    _replace(build, "// ReadBuild completes", "// NewBuild completes")
    _replace(build, "func ReadBuild(", "func NewBuild(")
    _append(build, FORWARDER)
    for path in (root / "templates").rglob("*"):
        if path.is_file() and "telemetry.ReadBuild(" in (text := path.read_text(encoding="utf-8")):
            path.write_text(text.replace("telemetry.ReadBuild(", "telemetry.NewBuild("), encoding="utf-8")


CHANGES: tuple[Change, ...] = (
    rename_a_file,
    split_a_file,
    move_a_file,
    delete_a_file,
    ask_a_question,
    change_a_default,
    drop_a_choice,
    bump_a_dependency,
    bump_the_tools,
    drop_a_dependency,
    rewrite_the_ci,
    bump_pins,
    rename_an_exported_name,
)


def _templates(root: Path) -> list[Path]:
    return [root / "templates" / template for template in source.CATALOG.templates]


def _everywhere(root: Path, path: str, text: str) -> None:
    """A new file of every template."""
    for template in _templates(root):
        (template / path).write_text(text, encoding="utf-8")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _lock_yaml(root: Path, old: str, new: str) -> None:
    path = root / LOCK
    text = path.read_text(encoding="utf-8")
    assert f"{YAML} {old}" in text
    path.write_text(text.replace(f"{YAML} {old}", f"{YAML} {new}").replace(YAML_SUMS[old], YAML_SUMS[new]), encoding="utf-8")


def _lock_older_tools(root: Path) -> None:
    text = (root / TOOLS_LOCK).read_text(encoding="utf-8")
    lock = json.loads(text)
    for module, (version, *hashes) in OLDER_TOOLS.items():
        newest, older = lock["modules"][module]["line"], f"{module} {version}"
        assert newest != older
        for suffix, digest in zip(("", "/go.mod"), hashes, strict=True):
            text = text.replace(f'"{newest}{suffix}": "{lock["sums"][newest + suffix]}"', f'"{newest}{suffix}": "{digest}"')
        text = text.replace(newest, older)
    (root / TOOLS_LOCK).write_text(text, encoding="utf-8")


def _write_lock(root: Path, lock: object) -> None:
    (root / LOCK).write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
