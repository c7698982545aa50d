"""What a merge lost of its author's: written without the code under test, so that it can judge it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

Files = Mapping[str, bytes]
"""Path to content."""

_CONFLICT = re.compile(rb"^<{7} [^\n]*\n(.*?)^={7}\r?\n.*?^>{7} [^\n]*\n?", re.DOTALL | re.MULTILINE)
_PIN = re.compile(
    rb"""( (?:-\s+)?uses:\s*[^@\s]+@ | from\s+(?:--\S+\s+)*\S+?: | (?:-\s+)?image:\s*\S+?:
    | go\s+ | toolchain\s+go | \S+\s+(?=v\d) | (?:(?:export|arg|env)\s+)?[\w-]*version\s*[:?]*[:=]\s* ) (.*\d.*)""",
    re.IGNORECASE | re.VERBOSE,
)
_DIGEST = re.compile(rb"@sha256:[0-9a-f]{64}|[0-9a-f]{40}")
_NUMBER = re.compile(rb"\d+")


def losses(base: Files, ours: Files, theirs: Files, merged: Files, renamed: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each line and file that the author added and the merge lost, or the author deleted and the merge has.

    `base` and `theirs` are the old and the new rendering, `ours` the author's files, and `renamed` says which of these have
    another name in `merged`. What a conflict shows is there, and other line ends are no edit. A line must be there as often as
    the author has it, less what the template took away of its like. A pin that the author did not lower may be the template's
    higher version of itself, and goes where the template deletes it, as does a file of which nothing else is the author's.
    go.sum, which Go writes, is not looked at.
    """
    was = _origins(base, ours)
    deleted = base.keys() - ours.keys() - set(was.values())
    problems = [f"{path} came back" for path in base if path in deleted & merged.keys() and not path.endswith("go.sum")]
    for path, content in ours.items():
        old, now = was.get(path, path), (renamed or {}).get(path, path)
        if path.endswith("go.sum") or (old == path and _unix(base.get(path)) == _unix(content)):
            continue
        if now in merged:
            new = theirs.get(now, theirs.get(old, b""))
            problems += [f"{path} {problem}" for problem in _in_file(base.get(old, b""), content, new, merged[now])]
        elif path in theirs or not _only_pins(_lines(base.get(path, b"")), _lines(content)):
            problems.append(f"{path} is gone")
    return problems


def _in_file(base: bytes, ours: bytes, theirs: bytes, merged: bytes) -> Iterator[str]:
    if b"\0" in ours:
        if merged != ours != base:
            yield "has other bytes"
        return
    old, mine, new = _lines(base), _lines(ours), _lines(theirs)
    result = _lines(_CONFLICT.sub(rb"\1", merged))
    moved, spare = old - mine, (result - mine) & new
    for line in mine - old:
        missing = mine[line] - max(0, old[line] - new[line]) - result[line]
        for _ in range(missing):
            higher = [other for other in spare if _raises(other, line)]
            if higher and not any(_raises(was, line) for was in moved):
                spare -= Counter(higher[:1])
            elif not any(_alike(was, line) for was in moved) or any(_alike(other, line) for other in new):
                yield f"lost {line!r}"
    for line in old - mine:
        if result[line] > mine[line] + max(0, new[line] - old[line]):
            yield f"has {line!r} again"


def _origins(base: Files, ours: Files) -> dict[str, str]:
    """The author's new files that are old ones under another name, by what they have in common: new path to old."""
    gone = {path: _lines(base[path]) for path in base if path not in ours}
    origins: dict[str, str] = {}
    for path in ours.keys() - base.keys():
        mine = _lines(ours[path])
        alike = {old: 2 * (lines & mine).total() / max(1, lines.total() + mine.total()) for old, lines in gone.items()}
        if alike and max(alike.values()) >= 0.5:
            origins[path] = max(alike, key=lambda old: (alike[old], old))
            del gone[origins[path]]
    return origins


def _unix(content: bytes | None) -> bytes | None:
    return content and content.replace(b"\r\n", b"\n")


def _lines(content: bytes) -> Counter[bytes]:
    """Lines by how often they are there, without what another line end, or Go in go.mod, changes in them."""
    lines = (line.strip().removeprefix(b"require ").removesuffix(b" // indirect") for line in content.split(b"\n"))
    return Counter(line for line in lines if line)


def _only_pins(old: Counter[bytes], mine: Counter[bytes]) -> bool:
    """Whether the author did nothing but move pins."""
    gone, come = list((old - mine).elements()), list((mine - old).elements())
    for line in come:
        was = next((other for other in gone if _alike(other, line)), None)
        if was is None:
            return False
        gone.remove(was)
    return bool(come) and not gone


def _raises(line: bytes, other: bytes) -> bool:
    """Whether a line pins what the other pins, at a higher version, and with a digest if that has one."""
    return _alike(line, other) and _numbers(line) > _numbers(other) and (b"@sha256:" in line or b"@sha256:" not in other)


def _alike(line: bytes, other: bytes) -> bool:
    """Whether two lines pin the same, in versions that are written in the same way."""
    shape = _shape(line)
    return shape is not None and shape == _shape(other)


def _shape(line: bytes) -> tuple[bytes, bytes] | None:
    pin = _PIN.fullmatch(line)
    return pin and (pin[1], _NUMBER.sub(b"0", _DIGEST.sub(b"", pin[2])))


def _numbers(line: bytes) -> list[int]:
    pin = _PIN.fullmatch(line)
    return [int(number) for number in _NUMBER.findall(_DIGEST.sub(b"", pin[2]))] if pin else []
