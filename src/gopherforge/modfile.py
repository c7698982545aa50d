"""The syntax of go.mod: read without loss of a comment, written as `go mod edit -fmt` does."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from gopherforge.versions import module_order

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|[()\[\]{},]|(?:(?!//|/\*)[^\s()\[\]{},"`])(?:(?!//|/\*)[^\s()\[\]{},])*')
_MARKS = {*"()[]{},", "=>"}
_SPACED = re.compile(r"(?<=\[) | (?=[,\]])")
_SYNTAX = {
    **dict.fromkeys(("go", "godebug", "ignore", "module", "tool", "toolchain"), ("_",)),
    **dict.fromkeys(("exclude", "require"), ("_ _",)),
    "replace": ("_ => _", "_ _ => _", "_ => _ _", "_ _ => _ _"),
    "retract": ("_", "[ _ , _ ]"),
}
"""The arguments of the directives that there are today, with _ for a word."""


class Unreadable(Exception):
    """A text is no go.mod; says where."""


@dataclass(eq=False)
class Line:
    """One directive: `require path version // indirect`."""

    verb: str
    args: tuple[str, ...]  # in quotes where they need them
    before: tuple[str, ...] = ()  # the comments above it; within a block an empty one is a blank line
    suffix: str = ""  # the comment behind it

    @property
    def indirect(self) -> bool:
        """Whether its comment says that no package of the module is imported."""
        words = self.suffix.removeprefix("//").split()
        return words == ["indirect"] or words[:1] == ["indirect;"]

    @indirect.setter
    def indirect(self, value: bool) -> None:
        if value == self.indirect:
            return
        text = self.suffix.removeprefix("//").strip()
        if value:
            self.suffix = f"// indirect; {text}" if text else "// indirect"
        else:
            rest = text.removeprefix("indirect").removeprefix(";").strip()
            self.suffix = f"// {rest}" if rest else ""

    @property
    def comments(self) -> tuple[str, ...]:
        """What it has been given of comments, other than `// indirect`."""
        said = Line(self.verb, (), suffix=self.suffix)
        said.indirect = False
        return tuple(filter(None, (*self.before, said.suffix)))

    def __str__(self) -> str:
        return _joined([self.verb, *self.args], "")


@dataclass(eq=False)
class Block:
    """Directives of one kind in parentheses."""

    verb: str
    lines: list[Line]
    before: tuple[str, ...] = ()
    opened: str = ""  # the comment behind (
    last: tuple[str, ...] = ()  # the comments above )
    closed: str = ""  # the comment behind )

    @property
    def comments(self) -> tuple[str, ...]:
        """The comments that are about none of its lines."""
        return tuple(filter(None, (*self.before, self.opened, *self.last, self.closed)))


@dataclass(eq=False)
class Remark:
    """Comments that are about no directive."""

    before: tuple[str, ...]


@dataclass
class File:
    """A go.mod, to be changed in place."""

    statements: list[Line | Block | Remark] = field(default_factory=list)

    def lines(self, *verbs: str) -> Iterator[Line]:
        """The directives, of all kinds or of these."""
        every = (line for statement in self.statements for line in _lines(statement))
        return (line for line in every if not verbs or line.verb in verbs)

    def remove(self, line: Line) -> None:
        """Take a directive out."""
        for statement in self.statements:
            if isinstance(statement, Block) and line in statement.lines:
                statement.lines.remove(line)
        self.statements = [statement for statement in self.statements if statement is not line]

    def add(self, line: Line, like: "File") -> None:
        """Put a directive to those of its kind; without such, where `like` has its first."""
        same = [place for place, statement in enumerate(self.statements) if _verb(statement) == line.verb]
        if same:
            self.block(self.statements[same[-1]]).lines.append(line)
            return
        earlier: set[str] = set()
        for statement in like.statements:
            if _verb(statement) == line.verb:
                break
            earlier.add(_verb(statement))
        places = [place for place, statement in enumerate(self.statements) if _verb(statement) in earlier - {""}]
        self.statements.insert(max(places, default=len(self.statements) - 1) + 1, line)

    def block(self, statement: "Line | Block | Remark") -> Block:
        """A statement of this file as a block that holds it."""
        if isinstance(statement, Block):
            return statement
        [line] = _lines(statement)
        block = Block(line.verb, [line])
        self.statements[self.statements.index(line)] = block
        return block

    def __str__(self) -> str:
        tidied = [statement for each in self.statements if (statement := _tidied(each)) is not None]
        return "\n".join("".join(f"{line}\n" for line in _written(statement)) for statement in tidied)


def parse(text: str) -> File:
    """Read a go.mod whose lines end in newlines. Raises Unreadable."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        tokens, comment = _tokens(line, number)
        reader.read(tokens, comment, number)
    return reader.end()


def module_path(text: str) -> str:
    """The path of the module, as far as a go.mod can be read; empty where it says none."""
    reader = _Reader()
    with suppress(Unreadable):
        for number, line in enumerate(text.split("\n"), start=1):
            reader.read(*_tokens(line, number), number)
    return next((line.args[0] for line in reader.file.lines("module")), "")


class _Reader:
    """What has been read of a file: the block that is not at its end, and the comments to which the next directive belongs."""

    def __init__(self) -> None:
        self.file = File()
        self._block: Block | None = None
        self._comments: list[str] = []

    def read(self, tokens: list[str], comment: str, number: int) -> None:
        """Read the next line."""
        if self._block is not None:
            self._within(self._block, tokens, comment, number)
        elif tokens[1:] in (["("], ["(", ")"]) and tokens[0][0].isalpha():
            block = Block(tokens[0], [], self._taken())
            self.file.statements.append(block)
            if tokens[-1] == "(":
                self._block, block.opened = block, comment
            else:
                block.closed = comment
        elif tokens:
            self.file.statements.append(_line(tokens[0], tokens[1:], self._taken(), comment, number))
        elif comment:
            self._comments.append(comment)
        elif self._comments:
            self.file.statements.append(Remark(self._taken()))

    def end(self) -> File:
        """The file, when all is read."""
        if self._block is not None:
            raise Unreadable(f"its block of {self._block.verb} has no end")
        if self._comments:
            self.file.statements.append(Remark(self._taken()))
        return self.file

    def _within(self, block: Block, tokens: list[str], comment: str, number: int) -> None:
        if not tokens:
            if comment or (self._comments[-1] if self._comments else block.lines):
                self._comments.append(comment)
        elif tokens[0] != ")":
            block.lines.append(_line(block.verb, tokens, self._taken(), comment, number))
        elif len(tokens) > 1:
            raise Unreadable(f"line {number} goes on after the end of a block")
        else:
            above = self._taken()
            block.last = () if above == ("",) else above
            block.closed, self._block = comment, None

    def _taken(self) -> tuple[str, ...]:
        taken = tuple(self._comments)
        self._comments.clear()
        return taken


def _line(verb: str, args: list[str], before: tuple[str, ...], suffix: str, number: int) -> Line:
    shape = " ".join(arg if arg in _MARKS else "_" for arg in args)
    if not verb[0].isalpha() or shape not in _SYNTAX.get(verb, (shape,)):
        raise Unreadable(f"line {number} is no directive: {' '.join([verb, *args])}")
    return Line(verb, tuple(map(_unquoted, args)), before, suffix)


def _tokens(line: str, number: int) -> tuple[list[str], str]:
    tokens: list[str] = []
    place = 0
    while rest := line[place:].lstrip(" \t\r"):
        place = len(line) - len(rest)
        if rest.startswith("//"):
            return tokens, rest.rstrip()
        found = _TOKEN.match(line, place)
        if found is None:
            raise Unreadable(f"line {number} is no directive: {line.strip()}")
        tokens.append(found[0])
        place = found.end()
    return tokens, ""


def _lines(statement: Line | Block | Remark) -> list[Line]:
    if isinstance(statement, Block):
        return statement.lines
    return [statement] if isinstance(statement, Line) else []


def _verb(statement: Line | Block | Remark) -> str:
    return "" if isinstance(statement, Remark) else statement.verb


def _tidied(statement: Line | Block | Remark) -> Line | Block | Remark | None:
    """A block in its order (SortBlocks and Cleanup in golang.org/x/mod/modfile), or its only line, or what was said about it."""
    if not isinstance(statement, Block):
        return statement
    lines = sorted(statement.lines, key=_SORTED_BY.get(statement.verb, _by_text), reverse=statement.verb == "retract")
    if not lines:
        return Remark(statement.comments) if statement.comments else None
    if len(lines) == 1 and not (statement.opened or statement.last or statement.closed):
        [line] = lines
        return Line(line.verb, line.args, (*statement.before, *filter(None, line.before)), line.suffix)
    return Block(statement.verb, lines, statement.before, statement.opened, statement.last, statement.closed)


def _by_text(line: Line) -> tuple[object, ...]:
    return line.args


def _by_version(line: Line) -> tuple[object, ...]:
    path, version = line.args
    return path, module_order(version) or ()


def _by_interval(line: Line) -> tuple[object, ...]:
    versions = [arg for arg in line.args if arg not in {"[", ",", "]"}]
    return tuple(module_order(version) or () for version in (versions[0], versions[-1]))


_SORTED_BY = {"exclude": _by_version, "retract": _by_interval}


def _written(statement: Line | Block | Remark) -> Iterator[str]:
    yield from statement.before
    if isinstance(statement, Line):
        yield _joined([statement.verb, *statement.args], statement.suffix)
    elif isinstance(statement, Block):
        yield _joined([statement.verb, "("], statement.opened)
        for number, line in enumerate(statement.lines):
            above = line.before[1:] if number == 0 and line.before[:1] == ("",) else line.before
            yield from (f"\t{comment}".rstrip("\t") for comment in above)
            yield "\t" + _joined(line.args, line.suffix)
        yield from statement.last
        yield _joined([")"], statement.closed)


def _joined(tokens: Iterable[str], comment: str) -> str:
    text = _SPACED.sub("", " ".join(tokens))
    return f"{text} {comment}" if comment else text


def _unquoted(token: str) -> str:
    """An argument without the quotes that it does not need."""
    inner = token[1:-1]
    quoted = token[0] in '"`' and inner and "\\" not in inner
    return inner if quoted and inner not in _MARKS and _TOKEN.fullmatch(inner) else token
