"""What the author has no use for: the workflow of releases, a dashboard, the tests of alerts."""

from pathlib import Path

FILES = (".github/workflows/release.yml", "deploy/grafana/runtime.json", "deploy/prometheus/tests/runtime.yaml")


def edit(service: Path) -> None:
    for path in FILES:
        (service / path).unlink()
