"""Changes of lines that a release changes, too, and of a file that it no longer has."""

from pathlib import Path

from tests.generated.first_edits.author import Author

METRICS = "internal/platform/telemetry/metrics.go"
RULES_TEST = "deploy/prometheus/tests/runtime.yaml"


def edit(service: Path) -> None:
    author = Author(service)
    author.change(METRICS, '"1 if the service is ready, else 0."', '"1 if the service can be used, else 0."')
    tests = (service / RULES_TEST).read_text(encoding="utf-8")
    author.write(RULES_TEST, f"{tests}\n# Ours: to be extended by an alert for the batch jobs.\n")
