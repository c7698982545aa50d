"""Small template sources for tests: the questions of this repository, and ones with every kind of dependency."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.source import CATALOG, ROOT, includes

HEAD = """\
---
_subdirectory: "templates/[[ template ]]"
_envops:
  undefined: jinja2.StrictUndefined
  block_start_string: "[%"
  block_end_string: "%]"
  variable_start_string: "[["
  variable_end_string: "]]"
  comment_start_string: "[#"
  comment_end_string: "#]"
"""

DEPENDENT = {
    "copier.yml": HEAD
    + """\
---
!include questions/basics.yml
---
!include questions/storage.yml
---
!include questions/derived.yml
""",
    "questions/basics.yml": """\
template: {type: str, help: "Which?", choices: [web, worker], default: web}
name:
  type: str
  help: Its name.
  default: my-service
  validator: |-
    [%- if "!" in name -%] No exclamation marks. [%- endif -%]
verbose: {type: bool, help: "Talk?", default: false}
loud: {type: bool, help: "Shout?", default: "[[ verbose ]]", when: "[% if verbose %]1[% endif %]"}
""",
    "questions/storage.yml": """\
storage:
  type: str
  help: Where to?
  choices: {Nowhere: none, A database: sql}
  default: none
  when: "[[ template == 'web' ]]"
driver:
  type: str
  help: By what?
  choices: [pgx, sqlx]
  default: "[[ 'sqlx' if verbose else 'pgx' ]]"
  when: "[[ storage == 'sql' ]]"
note:
  type: str
  help: Anything else?
  default: "[[ name ]] keeps its data in [[ storage ]]"
  validator: |-
    [%- if storage == "sql" and "data" not in note -%] Speak of the data.
    [%- elif note | length > 40 -%] A note has at most 40 characters. [%- endif -%]
""",
    "questions/derived.yml": """\
sql: {type: bool, default: "[[ storage == 'sql' ]]", when: false}
label: {type: str, default: "[[ name | upper ]] [[ driver ]]", when: false}
""",
}
"""Questions that depend on the template, on other answers, on hidden answers; a default and a validator that do, too."""


def build(root: Path, files: Mapping[str, str]) -> Path:
    """Writes files below a directory, and returns it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def this_repository(root: Path) -> Path:
    """The questions of this repository, with templates that show the values of all of them."""
    for path in ("copier.yml", *includes()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    return with_templates(root, list(CATALOG.templates), [question.key for question in CATALOG.questions])


def dependent(root: Path) -> Path:
    """The questions of DEPENDENT, likewise."""
    keys = ["template", "name", "verbose", "loud", "storage", "driver", "note", "sql", "label"]
    return with_templates(build(root, DEPENDENT), ["web", "worker"], keys)


def with_templates(root: Path, names: list[str], keys: list[str]) -> Path:
    shown = ", ".join(f'"{key}": {key}' for key in keys)
    for name in names:
        build(
            root / "templates" / name,
            {
                "values.json.jinja": f"[[ {{{shown}}} | to_json ]]",
                "[[ _copier_conf.answers_file ]].jinja": "[[ _copier_answers | to_nice_yaml ]]",
            },
        )
    return root
