"""Somebody with an editor of Windows saves files, with a change in one of them: all their lines end otherwise."""

from pathlib import Path

from tests.generated.first_edits.author import Author

LOG = "internal/platform/telemetry/log.go"
FILES = (LOG, "Dockerfile", "deploy/kubernetes/base/deployment.yaml", ".github/workflows/ci.yml", "README.md")


def edit(service: Path) -> None:
    added = 'record.AddAttrs(slog.String("request_id", id))'
    Author(service).change(LOG, added, f"{added} // our log pipeline groups lines by it")
    for path in FILES:
        content = (service / path).read_bytes()
        assert b"\r\n" not in content
        (service / path).write_bytes(content.replace(b"\n", b"\r\n"))
