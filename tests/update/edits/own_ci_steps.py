"""The CI gets a step among the others, and a job of its own."""

from pathlib import Path

from tests.generated.first_edits.author import Author

CI = ".github/workflows/ci.yml"


def edit(service: Path) -> None:
    author = Author(service)
    author.change(
        CI,
        "      - name: Build\n        run: make build\n",
        "      - name: Licences\n        run: ./scripts/licences.sh\n      - name: Build\n        run: make build\n",
    )
    author.write(
        CI,
        (service / CI).read_text(encoding="utf-8")
        + """
  docs:
    name: Documentation
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - name: Links
        run: ./scripts/links.sh
""",
    )
    for name in ("licences", "links"):
        author.write(f"scripts/{name}.sh", f"#!/bin/sh\necho {name}\n")
        (service / f"scripts/{name}.sh").chmod(0o755)
