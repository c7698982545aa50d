"""What a service is, read from HEAD."""

import os
from pathlib import Path

import pytest

from gopherforge.service import open_service
from tests.update.upstream import save


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("module example.com/mine\n", "example.com/mine"),
        ("// module example.com/no\nmodule example.com/mine // Deprecated: moved.\n\ngo 1.27.0\n", "example.com/mine"),
        ('module "example.com/mine"\n', "example.com/mine"),
        ("module `example.com/mine`\r\n", "example.com/mine"),
        ("module (\n\texample.com/mine\n)\n", "example.com/mine"),
        ("module example.com/mine//c\n", "example.com/mine"),
        ("go 1.27.0\n", ""),
        ("module example.com/mine\n\n<<<<<<< ours\ngo 1.27.0\n", "example.com/mine"),
    ],
)
def test_the_module_path_is_what_go_reads(service: Path, text: str, module: str) -> None:
    save(service, "mine", {"go.mod": text})
    found = open_service(service, os.environ)
    assert (found.module, found.moved) == (module, bool(module))
