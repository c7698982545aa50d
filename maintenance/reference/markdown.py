"""Tables and words of Markdown."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make reference` from the code. Do not edit. -->"


def page(title: str, purpose: str, *parts: str) -> str:
    """A generated page: its title, the sentence that says what it is for, and its parts."""
    return "\n\n".join([GENERATED, f"# {title}", purpose, *parts]) + "\n"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [list(heading), ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Text as inline code; nothing where there is none."""
    return f"`{text}`" if str(text) else ""


def check_complete(where: str, found: Iterable[str], described: Iterable[str]) -> None:
    """Raises LookupError where what is described is not exactly what was found in the code."""
    if difference := set(found) ^ set(described):
        raise LookupError(f"{where} must describe exactly what there is, but differs in {', '.join(sorted(difference))}.")
