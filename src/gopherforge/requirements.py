"""Where requirements stand in a go.mod: direct ones in one block and indirect ones in another."""

from gopherforge.modfile import Block, File, Line, Remark

Statement = Line | Block


def arrange(file: File) -> None:
    """Put requirements into two blocks at most, as the go command does (SetRequireAtMostTwo in golang.org/x/mod/modfile).

    So it does since `go 1.27`; where the go line is lower, it keeps the blocks there are. What was said above a block goes above
    the one that takes its first direct requirement, or else its indirect ones.
    """
    statements = [each for each in file.statements if not isinstance(each, Remark) and each.verb == "require"]
    if not statements:
        return
    direct, indirect = Block("require", []), Block("require", [])
    at = _place(file, statements)
    file.statements[at:at] = [direct, indirect]
    for statement in statements:
        lines = statement.lines if isinstance(statement, Block) else [statement]
        for line in lines:
            (indirect if line.indirect else direct).lines.append(line)
        if isinstance(statement, Block):
            _move_remarks(statement, indirect if all(line.indirect for line in lines) else direct)
            statement.lines = []
    file.statements = [each for each in file.statements if not isinstance(each, Line) or each.verb != "require"]


def _place(file: File, statements: list[Statement]) -> int:
    """Where the first of the two blocks belongs: to the last that has such lines only, and no comments."""
    for indirect in (False, True):
        for statement in reversed(statements):
            lines = statement.lines if isinstance(statement, Block) else [statement]
            plain = not statement.before and not any(line.comments for line in lines)
            if plain and lines and all(line.indirect is indirect for line in lines):
                return file.statements.index(statement)
    return file.statements.index(statements[-1]) + 1


def _move_remarks(block: Block, to: Block) -> None:
    if block.before:
        to.before = (*to.before, *(["//"] if to.before else []), *block.before)
        block.before = ()
