"""A call of the author's in the API: its messages in the proto file, its code generated anew, a method, and a test."""

import re
import shutil
from pathlib import Path

from tests.generated.first_edits import grpc_service
from tests.generated.first_edits.author import Author
from tests.support import program


def edit(service: Path) -> None:
    _provide_buf(service)
    grpc_service.add_a_call(Author(service), has_gateway=(service / grpc_service.GATEWAY).exists())
    shutil.rmtree(service / "bin")


def _provide_buf(service: Path) -> None:
    """Put buf, which takes minutes to build, to where this service's Makefile builds it, whatever version that asks for."""
    found = re.search(r"(?m)^BUF_VERSION\W+(\S+)$", (service / "Makefile").read_text(encoding="utf-8"))
    assert found
    (service / "bin").mkdir()
    (service / f"bin/buf-{found[1]}").symlink_to(program("buf"))
