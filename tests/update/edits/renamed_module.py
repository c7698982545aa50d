"""The module gets the path of its repository: in go.mod and wherever it is imported."""

import re
from pathlib import Path

from tests.rendering import ANSWERS_FILE

NEW = "github.com/acme/users"

_OLD = re.compile(r"(?<![.\w])example\.com/user-service\b")


def edit(service: Path) -> None:
    for path in service.rglob("*"):
        if path.is_file() and path.relative_to(service).parts[0] != ".git" and path.name != ANSWERS_FILE:
            text = path.read_text(encoding="utf-8")
            if _OLD.search(text):
                path.write_text(_OLD.sub(NEW, text), encoding="utf-8")
