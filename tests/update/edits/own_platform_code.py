"""Managed code and a dashboard changed where the author needs it: another signal, another collector, a quicker refresh."""

from pathlib import Path

from tests.generated.first_edits.author import Author

LIFECYCLE = "internal/platform/lifecycle/signals.go"
METRICS = "internal/platform/telemetry/metrics.go"
DASHBOARD = "deploy/grafana/runtime.json"


def edit(service: Path) -> None:
    author = Author(service)
    author.change(
        LIFECYCLE,
        "signal.Notify(signals, os.Interrupt, syscall.SIGTERM)",
        "signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)",
    )
    author.change(
        METRICS, "collectors.NewGoCollector(),\n", "collectors.NewGoCollector(),\n\t\tcollectors.NewBuildInfoCollector(),\n"
    )
    author.change(DASHBOARD, '"refresh": "30s"', '"refresh": "10s"')
