"""Files get names that the author likes better, one of them with a change in it."""

from pathlib import Path

from tests.generated.first_edits.author import Author

PROGRAM = "internal/platform/telemetry/program.go"
MOVED = {
    "internal/platform/telemetry/build.go": PROGRAM,
    "deploy/prometheus/rules/runtime.yaml": "deploy/prometheus/rules/processes.yaml",
}


def edit(service: Path) -> None:
    for old, new in MOVED.items():
        (service / old).rename(service / new)
    Author(service).change(
        PROGRAM,
        "// String is what the version command prints.\n",
        """// Released says whether this program was built for a release.
func (b Build) Released() bool { return b.Version != "dev" }

// String is what the version command prints.
""",
    )
