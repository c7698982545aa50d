"""What authors do to their services, a script each; and which services it fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.update.edits import (
    bumped_modules,
    bumped_pins,
    contested_files,
    crlf,
    deleted_files,
    merge_commit,
    moved_files,
    old_names,
    own_call,
    own_ci_steps,
    own_columns,
    own_dependency,
    own_handlers,
    own_jobs,
    own_make_targets,
    own_manifest_fields,
    own_platform_code,
    own_rest_route,
    renamed_module,
    renamed_package,
    replaced_domain,
)
from tests.variants import Variant


@dataclass(frozen=True)
class Edit:
    """One edit, and what comes of it."""

    edit: Callable[[Path], None]
    fits: str = "always"
    """The services that it can be made in, as `Variant.meets` reads it."""

    conflicts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By a step, or by the name that it has in all templates, the files in which author and template are in conflict then."""

    owns_example: bool = False
    """Whether the example is the author's from then on: an answer that would change it brings the platform's part only."""

    since: str = "v0.1.0"
    """The first release whose services have what it changes."""

    needs_go: bool = False
    """Whether its author runs tools of the service: not over awkward changes, whose older tools/go.mod Go would first update."""

    def is_for(self, variant: Variant) -> bool:
        return variant.meets(self.fits)


GRPC = "template=go-grpc-service"
HTTP = "template=go-http-service"
WORKER = "template=go-worker-pool"
HTTP_OR_WORKER = f"{HTTP}|go-worker-pool"

HTTP_MAIN, HTTP_WIRE, WORKER_WIRE = "cmd/server/main.go", "cmd/server/wire.go", "cmd/worker/wire.go"
WORKER_TEST = "cmd/worker/serve_test.go"

EXAMPLE_IS_WIRED: dict[str, frozenset[str]] = {
    "go-http-service-on": frozenset({HTTP_WIRE}),
    "go-http-service-off": frozenset({HTTP_MAIN, HTTP_WIRE, "Makefile"}),
    "go-worker-pool-on": frozenset({WORKER_WIRE}),
    "go-worker-pool-off": frozenset({WORKER_WIRE}),
}
"""Where the author wires another subject, and an answer changes what is wired beside it."""

FUZZTIME_MOVED = {"go-http-service-v0.1.0": frozenset({"Makefile"})}
"""Where the author changes a line beside which the template has new ones since."""

EDITS: Mapping[str, Edit] = {
    "bumped modules": Edit(bumped_modules.edit),
    "bumped pins": Edit(bumped_pins.edit),
    "contested files": Edit(
        contested_files.edit,
        since="v0.3.0",
        conflicts={"awkward": frozenset({contested_files.METRICS, contested_files.RULES_TEST})},
    ),
    "CRLF": Edit(crlf.edit, since="v0.2.0"),
    "deleted files": Edit(deleted_files.edit, since="v0.2.0"),
    "a merge commit": Edit(merge_commit.edit, conflicts=FUZZTIME_MOVED),
    "moved files": Edit(moved_files.edit, since="v0.2.0"),
    "old names": Edit(old_names.edit),
    "own call": Edit(own_call.edit, GRPC, owns_example=True, needs_go=True),
    "own CI steps": Edit(own_ci_steps.edit, conflicts={"awkward": frozenset({own_ci_steps.CI})}),
    "own columns": Edit(own_columns.edit, f"{HTTP} and database=postgres", owns_example=True),
    "own dependency": Edit(own_dependency.edit),
    "own handlers": Edit(own_handlers.edit, HTTP, owns_example=True),
    "own jobs": Edit(
        own_jobs.edit,
        WORKER,
        {name: files for name, files in EXAMPLE_IS_WIRED.items() if name.startswith("go-worker")},
        owns_example=True,
    ),
    "own make targets": Edit(own_make_targets.edit, conflicts=FUZZTIME_MOVED),
    "own manifest fields": Edit(own_manifest_fields.edit, since="v0.2.0"),
    "own platform code": Edit(own_platform_code.edit, since="v0.2.0"),
    "own REST route": Edit(own_rest_route.edit, "gateway=true", owns_example=True),
    "renamed module": Edit(renamed_module.edit, HTTP_OR_WORKER),
    "renamed package": Edit(renamed_package.edit, conflicts=EXAMPLE_IS_WIRED, owns_example=True),
    "replaced domain": Edit(
        replaced_domain.edit,
        HTTP_OR_WORKER,
        EXAMPLE_IS_WIRED
        | {
            "go-worker-pool-on": frozenset({WORKER_WIRE, WORKER_TEST}),
            "go-worker-pool-off": frozenset({WORKER_WIRE, WORKER_TEST}),
        },
        owns_example=True,
    ),
}
