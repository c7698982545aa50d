"""The Kubernetes manifests of a rendered project, as files and as what kustomize makes of them."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.generated.dependencies import Dependency, dependency_of
from tests.rendering import Rendering
from tests.support import PROOF_IS_FULL, Outcome, Shared, digest, program, run
from tests.variants import Variant, landmarks, variants

FOLDER = "deploy/kubernetes/"
OVERLAYS = ("staging", "production")
PUBLIC = {"go-grpc-service": ["grpc"], "go-http-service": ["http"], "go-worker-pool": []}


class Objects:
    """What one kustomization builds: at most one object of each kind, or several Services."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._documents = documents

    def __getitem__(self, kind: str) -> Any:
        """The only object of a kind."""
        (found,) = self.all(kind)
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self._documents

    def all(self, kind: str) -> list[Any]:
        return [document for document in self._documents if document["kind"] == kind]

    @property
    def kinds(self) -> set[str]:
        return {document["kind"] for document in self._documents}

    @property
    def pod(self) -> Any:
        """The template of the Deployment's pods."""
        return self["Deployment"]["spec"]["template"]

    @property
    def containers(self) -> list[Any]:
        """The containers of a pod, in the order in which they start."""
        return [*self.pod["spec"].get("initContainers", []), *self.pod["spec"]["containers"]]

    @property
    def main(self) -> Any:
        """The container that stays."""
        (container,) = self.pod["spec"]["containers"]
        return container


class Manifests:
    """The manifests of one project. What is asked of programs is asked once for all projects that have the same."""

    def __init__(self, rendering: Rendering, shared: Shared) -> None:
        self.rendering = rendering
        self.path = rendering.path / FOLDER
        self.files = {path: text for path, text in rendering.texts.items() if path.startswith(FOLDER)}
        self.identity = digest({path: text.encode() for path, text in self.files.items()})
        self._shared = shared

    @property
    def name(self) -> str:
        """The service's."""
        return str(self.rendering.variant.answers["name"])

    @property
    def dependency(self) -> Dependency | None:
        return dependency_of(self.rendering.variant)

    @property
    def has_tracing(self) -> bool:
        return bool(self.rendering.variant.answers["tracing"])

    @property
    def listeners(self) -> list[str]:
        """Those for others than operators."""
        answers = self.rendering.variant.answers
        return PUBLIC[self.rendering.variant.template] + (["http"] if answers.get("gateway") else [])

    def once(self, step: str, work: Callable[[], Outcome]) -> Outcome:
        """The outcome of a named step."""
        return self._shared.outcome(f"kubernetes/{self.identity}/{step}", work)

    def build(self, kustomization: str) -> Objects:
        """What `base` or `overlays/<name>` amounts to."""
        built = self.once(f"build-{Path(kustomization).name}", lambda: kustomize(self.path / kustomization))
        assert built.status == 0, built
        return parsed(built.output)

    def overlay(self, name: str) -> Objects:
        return self.build(f"overlays/{name}")


def variants_with_manifests(**options: str) -> list[Variant]:
    """The variants to prove that have manifests and these options."""
    wanted = {"deploy": "kubernetes", **options}.items()
    return [one for one in (variants() if PROOF_IS_FULL else landmarks()) if wanted <= dict(one.options).items()]


def variants_that_need(*kinds: str | None) -> list[Variant]:
    """The variants to prove that have manifests and need a database, a broker, or nothing."""
    needs = {one: dependency_of(one) for one in variants_with_manifests()}
    return [one for one, needed in needs.items() if (needed.kind if needed else None) in kinds]


@cache
def parsed(text: str) -> Objects:
    """The objects of a stream of YAML documents, not to be changed."""
    return Objects([*yaml.safe_load_all(text)])


def kustomize(directory: Path) -> Outcome:
    return run([program("kubectl"), "kustomize", directory], cwd=directory)
