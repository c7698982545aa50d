"""Two branches of the author's change different places, and are merged."""

from pathlib import Path

from tests.core.history import git
from tests.generated.first_edits.author import Author

MAKEFILE = "Makefile"


def edit(service: Path) -> None:
    author = Author(service)
    main = git(service, "branch", "--show-current")
    git(service, "checkout", "--quiet", "-b", "longer-fuzzing")
    author.change(MAKEFILE, "FUZZTIME ?= 30s", "FUZZTIME ?= 60s")
    git(service, "commit", "--quiet", "--all", "--message", "Fuzz for a minute")
    git(service, "checkout", "--quiet", main)
    author.change(MAKEFILE, "rm -rf bin cover.out\n", "rm -rf bin cover.out dist\n")
    author.write("docs/release.md", "# How we release\n\nOn Mondays.\n")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Clean dist, too")
    git(service, "merge", "--quiet", "--no-ff", "--message", "Merge the longer fuzzing", "longer-fuzzing")
