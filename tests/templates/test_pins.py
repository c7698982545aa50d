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


def test_we_prove_with_the_kafka_of_compose() -> None:
    ours = re.search(r"(?m)^KAFKA_VERSION=(\S+)", (source.ROOT / "maintenance/kafka.sh").read_text(encoding="utf-8"))
    image = re.search(r"apache/kafka:(\S+)", (source.ROOT / "templates/_shared/compose/kafka.yaml").read_text(encoding="utf-8"))

    assert ours is not None
    assert image is not None
    assert ours[1] == image[1]
