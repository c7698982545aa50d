"""go.mod and go.sum texts as tests write them, independent of how the merge does."""

from collections.abc import Mapping

from gopherforge.gomod import Modules, Texts, merge

HEAD = "module example.com/shop\n\ngo 1.27.0\n\ntoolchain go1.27.3\n"


def go_mod(*directives: str, head: str = HEAD) -> str:
    """A formatted go.mod: single directives and whole blocks, each a paragraph."""
    return "\n".join([head, *(f"{directive}\n" for directive in directives)])


def requires(direct: Mapping[str, str], indirect: Mapping[str, str] | None = None, *more: str, head: str = HEAD) -> str:
    """A formatted go.mod with these modules at these versions."""
    ours = [f"{path} {version}" for path, version in direct.items()]
    others = [f"{path} {version} // indirect" for path, version in (indirect or {}).items()]
    return go_mod(*_block("require", ours), *_block("require", others), *more, head=head)


def go_sum(*modules: str, digest: str = "h1:aaa=") -> str:
    """A go.sum with the lines of modules (`path version`), in the order given."""
    return "".join(f"{module} {digest}\n{module}/go.mod {digest}\n" for module in modules)


def merged(base: str | None, ours: str | None, theirs: str | None, *imports: str) -> Modules:
    """Merge go.mod files without a go.sum, in a service that imports these packages."""
    return merge(Texts(base, None), Texts(ours, None), Texts(theirs, None), lambda: imports)


def lines(text: str | None) -> list[str]:
    """What a go.mod says, one directive a line and each with its verb."""
    assert text is not None
    found, verb = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.endswith(" ("):
            verb = line.removesuffix("(")
        elif line == ")":
            verb = ""
        elif line:
            found.append(line if line.startswith("//") else verb + line)
    return found


def _block(verb: str, of: list[str]) -> list[str]:
    lines = "".join(f"\t{line}\n" for line in sorted(of))
    return [f"{verb} (\n{lines})"] if len(of) > 1 else [f"{verb} {line}" for line in of]
