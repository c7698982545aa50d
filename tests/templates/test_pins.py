"""A version that is written down in two places is the same in both."""

import re

import pytest

from tests import source

TOOLS = (source.ROOT / "maintenance/tools.sh").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ours", "of_services"), [("GO_VERSION", "go_toolchain"), ("GOLANGCI_LINT_VERSION", "golangci_lint_version")]
)
def test_we_prove_with_what_services_pin(ours: str, of_services: str) -> None:
    pinned = re.search(rf"(?m)^{ours}=(\S+)$", TOOLS)

    assert pinned is not None
    assert pinned[1] == source.CATALOG[of_services].default


def test_the_toolchain_is_of_the_language_version() -> None:
    language, toolchain = (str(source.CATALOG[key].default) for key in ("go_version", "go_toolchain"))

    assert toolchain.rpartition(".")[0] == language.rpartition(".")[0]
