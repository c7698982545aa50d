"""Databases for govulncheck, in files: without an entry, or with one. Their format is that of go.dev/security/vuln/database."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATE = "2026-01-01T00:00:00Z"
_ID = "GO-2099-0001"


@dataclass(frozen=True)
class Flaw:
    """A vulnerability: a symbol of a package in every version of its module before the one that mends it."""

    module: str
    package: str
    symbol: str
    fixed: str


def write(directory: Path, *flaws: Flaw) -> str:
    """Writes a database of at most one flaw below an absent directory, and returns its URL."""
    modules = [{"path": flaw.module, "vulns": [{"id": _ID, "modified": _DATE, "fixed": flaw.fixed}]} for flaw in flaws]
    files: dict[str, Any] = {
        "index/db.json": {"modified": _DATE},
        "index/modules.json": modules,
        "index/vulns.json": [{"id": _ID, "modified": _DATE} for _ in flaws],
        **{f"ID/{_ID}.json": _entry(flaw) for flaw in flaws},
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return directory.as_uri()


def _entry(flaw: Flaw) -> dict[str, Any]:
    affected = {
        "package": {"name": flaw.module, "ecosystem": "Go"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": flaw.fixed}]}],
        "ecosystem_specific": {"imports": [{"path": flaw.package, "symbols": [flaw.symbol]}]},
    }
    return {
        "schema_version": "1.3.1",
        "id": _ID,
        "modified": _DATE,
        "published": _DATE,
        "summary": "Made for tests",
        "details": "Made for tests.",
        "affected": [affected],
        "database_specific": {"url": f"https://pkg.go.dev/vuln/{_ID}", "review_status": "REVIEWED"},
    }
