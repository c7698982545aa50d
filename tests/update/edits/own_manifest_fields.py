"""The manifests say where pods run, how much they get and what they are told."""

from pathlib import Path

from tests.generated.first_edits.author import Author

BASE = "deploy/kubernetes/base/deployment.yaml"
PRODUCTION = "deploy/kubernetes/overlays/production"


def edit(service: Path) -> None:
    author = Author(service)
    author.change(
        BASE,
        "        prometheus.io/path: /metrics\n",
        '        prometheus.io/path: /metrics\n        example.com/cost-centre: "4711"\n',
    )
    author.change(BASE, "              memory: 256Mi\n", "              memory: 384Mi\n")
    author.change(
        BASE,
        "      automountServiceAccountToken: false\n",
        "      automountServiceAccountToken: false\n      nodeSelector:\n        kubernetes.io/arch: arm64\n",
    )
    author.change(f"{PRODUCTION}/deployment.yaml", "              memory: 512Mi\n", "              memory: 1Gi\n")
    author.change(
        f"{PRODUCTION}/kustomization.yaml",
        "    newName: registry.example.com/user-service\n",
        "    newName: images.acme.example/users/user-service\n",
    )
