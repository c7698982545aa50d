"""The rule of templates/_shared/gomod once more, in Python, and the macros that tests compare it with."""

from collections.abc import Collection, Iterable
from itertools import chain, combinations

import jinja2

from maintenance.modulelock import Lock
from tests import source
from tests.source import CATALOG
from tests.variants import Variant

MACROS = "templates/_shared/gomod/macros.jinja"


def features_of(program: str, variant: Variant) -> list[str]:
    """The features that a variant takes, as the table says."""
    answers = dict(variant.answers)
    for question in CATALOG.questions:
        answers.setdefault(question.key, CATALOG.default(question, answers))
    table = environment({}).get_template("templates/_shared/gomod/features.jinja")
    names: list[str] = getattr(table.make_module(answers), program)
    return names


def by_macros(lock: str, features: Collection[str]) -> tuple[str, str]:
    """What the macros make of lock data, as text: go.mod after the toolchain line, and go.sum."""
    macros = environment({"templates/_shared/gomod/tried.json": lock}).get_template(MACROS).make_module()
    return str(macros.requirements("tried", features)), str(macros.sums("tried", features))  # type: ignore[attr-defined]


def by_rule(lock: Lock, names: Iterable[str]) -> tuple[str, str]:
    """The same by sets."""
    features = [lock["features"][name] for name in names]
    direct = set(chain.from_iterable(feature["direct"] for feature in features))
    roots = direct.union(*(feature["indirect"] for feature in features))
    needed = set(roots)
    for round_ in range(lock["rounds"]):
        met = set(chain.from_iterable(feature["tests"][round_] for feature in features))
        implied = set(chain.from_iterable(lock["modules"][path]["implies"] for path in roots))
        roots |= met - implied
        needed |= met
    contents = {lock["modules"][path]["line"] for path in needed}
    files = contents | {f"{line}/go.mod" for line in contents}
    files = files.union(*(lock["modules"][path]["reads"] for path in roots))
    blocks = [
        _directive("tool", set(chain.from_iterable(feature["tools"] for feature in features))),
        _directive("require", {lock["modules"][path]["line"] for path in direct}),
        _directive("require", {lock["modules"][path]["line"] + " // indirect" for path in roots - direct}),
    ]
    return "".join(blocks), "".join(f"{file} {digest}\n" for file, digest in lock["sums"].items() if file in files)


def subsets(names: Collection[str]) -> list[tuple[str, ...]]:
    """Every choice of one, of two, of all but one, and of all: every choice at all would take hours with a dozen names."""
    sizes = sorted({1, 2, len(names) - 1, len(names)} & set(range(1, len(names) + 1)))
    return [choice for size in sizes for choice in combinations(names, size)]


def environment(files: dict[str, str]) -> jinja2.Environment:
    """Jinja as Copier sets it up, with files beside those of the repository."""
    loader = jinja2.ChoiceLoader([jinja2.DictLoader(files), jinja2.FileSystemLoader(source.ROOT)])
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    options = source.settings()["envops"] | {"undefined": jinja2.StrictUndefined}
    return jinja2.Environment(loader=loader, extensions=extensions, **options)


def _directive(name: str, lines: set[str]) -> str:
    if len(lines) == 1:
        return f"\n{name} {lines.pop()}\n"
    return "\n" + name + " (\n" + "".join(f"\t{line}\n" for line in sorted(lines)) + ")\n" if lines else ""
