"""Writes docs/reference/ again. A test compares."""

from maintenance.reference import commands, documents, failures, questions, services
from tests.source import CATALOG, ROOT

DIRECTORY = ROOT / "docs/reference"


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "commands.md": commands.write(),
        "environment.md": services.write_environment(),
        "exit-codes.md": failures.write(),
        "files.md": services.write_files(),
        "json.md": documents.write(),
        "metrics.md": services.write_metrics(),
        "questions.md": questions.write(CATALOG),
    }


def main() -> None:
    """Write every page, in place of whatever is there."""
    for name, text in pages().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
