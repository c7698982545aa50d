"""go.sum merged by meaning: a set of lines in Go's order."""

from collections.abc import Mapping

from gopherforge.modfile import Unreadable
from gopherforge.versions import module_order

Hashed = tuple[str, str, str]
"""What a hash is of, module and version (which may end in /go.mod), and which kind of hash it is."""

Sums = Mapping[Hashed, str]
"""The hashes of a go.sum: mostly one of a kind, else with spaces between."""

_FIELDS = 3


def parse(text: str | None) -> dict[Hashed, str]:
    """The lines of a go.sum; none where there is no such file. Raises Unreadable."""
    sums: dict[Hashed, str] = {}
    for number, line in enumerate((text or "").split("\n"), start=1):
        fields = line.split()
        if fields and (len(fields) != _FIELDS or fields[0][0] in "<>=|"):
            raise Unreadable(f"line {number} is not a module, its version and a hash")
        if fields:
            path, version, digest = fields
            of = path, version, digest.partition(":")[0]
            known = sums.get(of, "").split()
            sums[of] = " ".join(sorted({*known, digest}))
    return sums


def write(sums: Sums) -> str:
    """The text of a go.sum."""
    hashed = ((of, digest) for of in sorted(sums, key=_order) for digest in sums[of].split())
    return "".join(f"{path} {version} {digest}\n" for (path, version, _), digest in hashed)


def union(base: Sums, ours: Sums, theirs: Sums) -> tuple[Sums, list[str]]:
    """Every line of both sides, and the modules whose hash they do not agree on, of which the author's stays."""
    differing = [line for line in ours.keys() & theirs.keys() if ours[line] != theirs[line]]
    corrected = {line: theirs[line] for line in differing if base.get(line) == ours[line]}
    disputed = {" ".join(line[:2]) for line in differing if base.get(line) not in {ours[line], theirs[line]}}
    return {**theirs, **ours, **corrected}, sorted(disputed)


def order(path: str, version: str) -> tuple[object, ...]:
    """The place of a module in go.sum: by path, by version, the content before its go.mod (Sort in golang.org/x/mod/module)."""
    number, _, name = version.partition("/")
    return path, module_order(number) or (), name


def _order(hashed: Hashed) -> tuple[object, ...]:
    path, version, kind = hashed
    return *order(path, version), kind
