"""Targets among those of the Makefile, another default, and a Makefile.local."""

from pathlib import Path

from tests.generated.first_edits.author import Author


def edit(service: Path) -> None:
    author = Author(service)
    author.change("Makefile", "FUZZTIME ?= 30s\n", "FUZZTIME ?= 2m\n")
    author.change(
        "Makefile",
        ".PHONY: cover\n",
        """.PHONY: test-short
test-short: ## Run the quick tests
	go test -short ./...

.PHONY: cover
""",
    )
    author.change(
        "Makefile",
        "-include Makefile.local\n",
        """.PHONY: licences
licences: ## List the licences of all modules
	go list -m -f '{{.Path}} {{.Dir}}' all

-include Makefile.local
""",
    )
    author.write("Makefile.local", ".PHONY: hello\nhello: ## Greet\n\t@echo hello\n")
