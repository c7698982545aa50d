"""The manifests before a real API server: accepted as the README deploys them, and refused once something in them is wrong."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.generated.deploy.apiserver import Kubernetes
from tests.generated.deploy.manifests import OVERLAYS, Manifests, Objects, variants_with_manifests
from tests.rendering import render_variant
from tests.support import Outcome, Shared, program, run

URL = "postgres://ada@database.example.com/users?sslmode=verify-full\n"

Place = list[str | int]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_readme_deploys(overlay: str, manifests: Manifests, kubernetes: Kubernetes, tmp_path: Path) -> None:
    """The pods are judged, too, though nobody creates them here."""

    def work() -> Outcome:
        with deployed(manifests, overlay, kubernetes, tmp_path) as done:
            admitted = judged(pod(manifests.overlay(overlay)), kubernetes, tmp_path)
            return Outcome(done.command, done.status or admitted.status, done.output + admitted.output)

    outcome = manifests.once(f"deploy-{overlay}", work)

    assert outcome.status == 0, outcome
    assert "Warning" not in outcome.output, outcome


CONTAINER: Place = ["spec", "containers", 0]
MIGRATION: Place = ["spec", "initContainers", 0]
REMOVED = object()
HOST = {"name": "database", "hostPath": {"path": "/"}}
ESCALATION = "allowPrivilegeEscalation != false"

FAULTS: dict[str, tuple[str, Place, Any, str]] = {
    "unknown field": ("Deployment", ["spec", "replicaz"], 3, 'unknown field "spec.replicaz"'),
    "text for a number": ("Deployment", ["spec", "replicas"], "x", "unrecognized type: int32"),
    "selector of others": ("Deployment", ["spec", "selector", "matchLabels"], {"app": "x"}, "`selector` does not match"),
    "strategies mixed": ("Deployment", ["spec", "strategy", "type"], "Recreate", "may not be specified when strategy"),
    "two budgets": ("PodDisruptionBudget", ["spec", "minAvailable"], 1, "cannot be both set"),
    "least above most": ("HorizontalPodAutoscaler", ["spec", "minReplicas"], 100, "greater than or equal to `minReplicas`"),
    "long name of a port": ("Service", ["spec", "ports", 0, "targetPort"], "p" * 16, "must be no more than 15 characters"),
    "unknown protocol": ("NetworkPolicy", ["spec", "egress", 0, "ports", 0, "protocol"], "ICMP", "protocol"),
    "unknown volume": ("Pod", [*CONTAINER, "volumeMounts", 0, "name"], "other", "Not found"),
    "unknown account": ("Pod", ["spec", "serviceAccountName"], "other", 'serviceaccount "other" not found'),
    "limit below request": ("Pod", [*CONTAINER, "resources", "limits", "memory"], "1Mi", "less than or equal to memory limit"),
    "privileged": ("Pod", [*CONTAINER, "securityContext", "privileged"], True, "privileged"),
    "network of the host": ("Pod", ["spec", "hostNetwork"], True, "host namespaces"),
    "files of the host": ("Pod", ["spec", "volumes", 0], HOST, "restricted volume types"),
    "root": ("Pod", ["spec", "securityContext", "runAsNonRoot"], REMOVED, "runAsNonRoot != true"),
    "root by number": ("Pod", ["spec", "securityContext", "runAsUser"], 0, "runAsUser=0"),
    "every system call": ("Pod", ["spec", "securityContext", "seccompProfile"], REMOVED, "seccompProfile"),
    "escalation": ("Pod", [*CONTAINER, "securityContext", "allowPrivilegeEscalation"], REMOVED, ESCALATION),
    "escalation at the start": ("Pod", [*MIGRATION, "securityContext"], REMOVED, ESCALATION),
    "capabilities": ("Pod", [*CONTAINER, "securityContext", "capabilities"], REMOVED, "unrestricted capabilities"),
}
"""What is put where into which object, and what the server says to it."""


@pytest.fixture(scope="module")
def staging(shared: Shared, kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """The objects of an overlay with everything on, deployed."""
    (full,) = [
        one for one in variants_with_manifests(database="postgres") if (one.template, one.label) == ("go-http-service", "full")
    ]
    manifests = Manifests(render_variant(shared, full), shared)
    with deployed(manifests, "staging", kubernetes, tmp_path_factory.mktemp("staging")) as outcome:
        assert outcome.status == 0, outcome
        yield manifests.overlay("staging")


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_refused(fault: str, staging: Objects, kubernetes: Kubernetes, tmp_path: Path) -> None:
    kind, path, value, reason = FAULTS[fault]

    refused = judged(changed(one(kind, staging), path, value), kubernetes, tmp_path)

    assert refused.status == 1, refused
    assert reason in refused.output


@pytest.mark.parametrize("kind", sorted({kind for kind, *_ in FAULTS.values()}))
def test_what_is_right_is_accepted_again(kind: str, staging: Objects, kubernetes: Kubernetes, tmp_path: Path) -> None:
    accepted = judged(one(kind, staging), kubernetes, tmp_path)

    assert accepted.status == 0, accepted


def test_a_deployment_of_forbidden_pods_is_warned_of(staging: Objects, kubernetes: Kubernetes, tmp_path: Path) -> None:
    deployment = changed(staging["Deployment"], ["spec", "template", "spec", "hostPID"], value=True)

    assert 'Warning: would violate PodSecurity "restricted:latest"' in judged(deployment, kubernetes, tmp_path).output


def test_the_secret_is_what_the_readme_was_given(staging: Objects, kubernetes: Kubernetes) -> None:
    name, namespace = staging["Deployment"]["metadata"]["name"], staging["Namespace"]["metadata"]["name"]
    template = "--template={{.data.url | base64decode}}"

    read = kubernetes.kubectl("get", "secret", f"{name}-database", f"--namespace={namespace}", template)

    assert (read.status, read.output) == (0, URL)


@contextmanager
def deployed(manifests: Manifests, overlay: str, kubernetes: Kubernetes, directory: Path) -> Iterator[Outcome]:
    """Does what the README says, in a namespace that is gone afterwards."""
    url = directory / "url"
    url.write_text(URL, encoding="utf-8")
    commands = commands_of(manifests.rendering.texts["README.md"]).replace("staging", overlay)
    environment = os.environ | {"KUBECONFIG": str(kubernetes.kubeconfig)}
    try:
        yield run([program("bash"), "-exc", f"exec < {url}\n{commands}"], cwd=manifests.rendering.path, env=environment)
    finally:
        undo(manifests, overlay, kubernetes, directory)


def commands_of(readme: str) -> str:
    """The commands of the section about deploying, without the one that waits for pods."""
    (section,) = re.findall(r"(?ms)^## Deploy\n(.*?)^## ", readme)
    lines = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```\n", section)).splitlines()
    commands = [line for line in lines if "rollout status" not in line]
    assert len(commands) == len(lines) - 1 >= 3
    return "\n".join(commands)


def undo(manifests: Manifests, overlay: str, kubernetes: Kubernetes, directory: Path) -> None:
    """Deletes what was deployed. The namespace is let go as its controller would, once it is empty."""
    namespace = manifests.overlay(overlay)["Namespace"]
    name = namespace["metadata"]["name"]
    freed = directory / "freed.json"
    freed.write_text(json.dumps(changed(namespace, ["spec"], {"finalizers": []})), encoding="utf-8")
    for command in (
        ["delete", "--wait=false", f"--kustomize={manifests.path / 'overlays' / overlay}"],
        ["delete", "--wait=false", f"--namespace={name}", "secrets", "--all"],
        ["replace", f"--raw=/api/v1/namespaces/{name}/finalize", f"--filename={freed}"],
    ):
        kubernetes.kubectl(*command)


def judged(document: Any, kubernetes: Kubernetes, directory: Path) -> Outcome:
    """What the server says to an object, which it does not keep."""
    path = directory / "object.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return kubernetes.kubectl("apply", "--dry-run=server", f"--filename={path}")


def one(kind: str, objects: Objects) -> Any:
    return pod(objects) if kind == "Pod" else objects[kind]


def pod(objects: Objects) -> dict[str, Any]:
    """A pod as the Deployment's controller would create it."""
    deployment = objects["Deployment"]["metadata"]
    metadata = {"name": f"{deployment['name']}-pod", "namespace": deployment["namespace"], **objects.pod["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": objects.pod["spec"]}


def changed(document: Any, path: Place, value: Any) -> Any:
    """A copy of an object with another value in one place."""
    copy = deepcopy(document)
    place = copy
    for step in path[:-1]:
        place = place[step]
    if value is REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy
