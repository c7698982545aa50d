"""Pins: versions of images, actions and tools in text that is merged, settled beforehand so that they cannot conflict."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

Version = Mapping[str, str]
"""A version as it is written, under `version`, and under `digest` what can go with it: empty, where nothing does."""

_USES = re.compile(r"\s*(?:-\s+)?(?P<key>uses):\s+['\"]?(?P<name>[^\s'\"@#]+)@")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\w[\w-]*")

_QUOTE = r"['\"]?"
_VERSION = rf"(?P<version>v?\d[\w.+-]*){_QUOTE}(?=\s|$)"
_TOOL = rf"{_QUOTE}(?P<version>v?\d+\.[\w.+-]*){_QUOTE}(?=\s|$)"
_DIGEST = r"(?P<digest>(?:@sha256:[0-9a-f]{64})?)"
_NAME = r"(?P<name>[^\s'\"@#]+)"

# The group `name` says what is pinned; `version`, and `digest` where there is one, move together.
_PINS = tuple(
    re.compile(pattern)
    for pattern in (
        # uses: owner/action@0a1b… # v1.2.3
        rf"\s*(?:-\s+)?uses:\s+{_QUOTE}{_NAME}@(?P<digest>[0-9a-f]{{40}}){_QUOTE}\s+#\s*{_VERSION}",
        # uses: owner/action@v1
        rf"\s*(?:-\s+)?uses:\s+{_QUOTE}{_NAME}@{_VERSION}",
        # FROM image:1.2.3@sha256:0a1b… AS build
        # image: image:1.2.3
        rf"\s*(?:(?i:from)\s+(?:--\S+\s+)*|(?:-\s+)?image:\s+{_QUOTE}){_NAME}:(?P<version>v?\d[\w.-]*){_DIGEST}{_QUOTE}(?=\s|$)",
        # TOOL_VERSION := 1.2.3
        # ARG TOOL_VERSION=1.2.3
        rf"\s*(?:(?:export|ARG|ENV)\s+)?(?P<name>[A-Z0-9_]*VERSION)\s*[:?]*=\s*{_TOOL}",
        # TOOL_VERSION: 1.2.3
        # tool-version: 1.2.3
        rf"\s*(?P<name>[\w-]*(?i:version)):\s+{_TOOL}",
    )
)


def settle(base: str, ours: str, theirs: str) -> tuple[str, str, str]:
    """The three texts of a file, each pin that all of them have at one version: that of the side that moved it.

    Where both did, the higher one counts, unless the author had lowered it, or wrote something beside it, such as why it has to
    stay. Of a pin that one side deleted, the old text gets the other side's version: it goes. What is not written in the same
    way (1.27 and 1.28-alpine) cannot be compared and is left as it is, as is a pin that one side has elsewhere; both sides'
    changes of it are a conflict.
    """
    old, mine, new = (_lines(text) for text in (base, ours, theirs))
    if any(line.pin for line in old):
        in_mine, in_new = _Places(old, mine), _Places(old, new)
        for number, line in enumerate(old):
            here, there = in_mine.at.get(number), in_new.at.get(number)
            if here and there:
                if version := _winner(line, here, there, unsure=number in in_mine.unsure | in_new.unsure):
                    for each in (line, here, there):
                        each.move(version)
            elif here and number in in_new.gone:
                line.move(here.version)
            elif there and number in in_mine.gone and number not in in_mine.rewritten:
                line.move(there.version)
    return _join(old), _join(mine), _join(new)


class _Line:
    """A line of a file, and the pin in it, if any. `of` is what a plain `version` in it is the version of."""

    def __init__(self, text: str, of: str) -> None:
        self.text = text
        self.pin = next(filter(None, (pattern.match(text) for pattern in _PINS)), None)
        self.name = self.pin and self.pin["name"]
        if self.name and self.name.lower() == "version":
            self.pin, self.name = (self.pin, f"version of {of}") if of else (None, None)

    @property
    def version(self) -> Version:
        """What of the line moves; empty where nothing is pinned."""
        return {group: text for group, text in self.pin.groupdict().items() if group != "name"} if self.pin else {}

    @property
    def rest(self) -> str:
        """What of the line does not move."""
        return self._with(dict.fromkeys(self.version, ""))

    @property
    def word(self) -> str:
        """The one that it begins with, such as `uses` or `FROM`."""
        found = _WORD.search(self.text)
        return found[0].lower() if found else ""

    @property
    def key(self) -> object:
        """What is equal for lines that pin the same in the same way, and for equal lines that pin nothing."""
        return (self.pin.re, self.name, _NUMBER.sub("0", self.pin["version"])) if self.pin else self.text

    def move(self, version: Version) -> None:
        """Pin this version instead. The line is not to be moved again."""
        self.text = self._with(version)

    def _with(self, version: Version) -> str:
        moved = self.text
        if self.pin:
            for (start, end), text in sorted(((self.pin.span(group), text) for group, text in version.items()), reverse=True):
                moved = moved[:start] + text + moved[end:]
        return moved


def _lines(text: str) -> list[_Line]:
    """The lines of a file. A plain `version` in them belongs to the action that is used in the same step."""
    lines: list[_Line] = []
    used, column = "", 0
    for each in text.split("\n"):
        uses = _USES.match(each)
        indent = len(each) - len(each.lstrip())
        if uses:
            used, column = uses["name"], uses.start("key")
        elif each.strip() and (indent < column or each.lstrip().startswith("- ")):
            used = ""
        lines.append(_Line(each, used))
    return lines


class _Places:
    """Where the pins of a text are in a later one, by line number."""

    def __init__(self, old: Sequence[_Line], new: Sequence[_Line]) -> None:
        keys = [line.key for line in new]
        hunks = difflib.SequenceMatcher(None, [line.key for line in old], keys, autojunk=False).get_opcodes()
        come = {line.name for kind, _, _, begin, end in hunks if kind != "equal" for line in new[begin:end]}
        self.at: dict[int, _Line] = {}
        self.unsure: set[int] = set()  # those beside a copy of themselves: either may be the one that was there
        self.gone: set[int] = set()  # those that pin what is pinned in no new line
        self.rewritten: set[int] = set()  # those in whose place another line begins with the same word
        for kind, first, last, begin, end in hunks:
            pinned = [number for number in range(first, last) if old[number].pin]
            if kind == "equal":
                self.at |= {number: new[begin + number - first] for number in pinned}
                continue
            if kind == "insert":
                self.unsure.update(first - 1 - step for step in _alike(reversed(keys[:begin]), reversed(keys[:end])))
                self.unsure.update(first + step for step in _alike(keys[begin:], keys[end:]))
            words = {line.word for line in new[begin:end]}
            self.gone.update(number for number in pinned if old[number].name not in come)
            self.rewritten.update(number for number in pinned if old[number].word in words)


def _alike(some: Iterable[object], others: Iterable[object]) -> Iterator[int]:
    """How far both go on alike, as numbers from 0 on."""
    return (step for step, _ in enumerate(takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False))))


def _winner(base: _Line, ours: _Line, theirs: _Line, *, unsure: bool) -> Version | None:
    """The version that counts for all; None where nobody can tell."""
    old, mine, new = base.version, ours.version, theirs.version
    if mine == new or (new == old and not unsure):
        return mine
    if unsure and old in (mine, new):
        return None
    if mine == old:
        return new if ours.rest == base.rest else None
    before, here, there = (_numbers(version) for version in (old, mine, new))
    has, had, comes = (bool(version.get("digest")) for version in (mine, old, new))
    if here > there or (here == there and has and not comes):
        return mine
    higher = there > here > before and has == had
    return new if (higher or (there == here and comes and not has and not had)) and ours.rest == base.rest else None


def _numbers(version: Version) -> list[tuple[int, str]]:
    """A version as what is higher the larger it is: each number by its length, as long as it may be, and its digits."""
    numbers = (number.lstrip("0") for number in _NUMBER.findall(version["version"]))
    return [(len(number), number) for number in numbers]


def _join(lines: Sequence[_Line]) -> str:
    return "\n".join(line.text for line in lines)
