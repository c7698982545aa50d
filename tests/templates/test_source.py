"""The template sources: every row of every table does something, and templates of Go files are Go."""

import re
from collections.abc import Iterator
from pathlib import Path

import pathspec
import pytest
from jinja2 import meta

from gopherforge.expressions import environment
from tests import source
from tests.gotools import gofmt
from tests.rendering import Rendering

KEYS = {question.key for question in source.CATALOG.questions}
OF_COPIER = {"_copier_conf", "_copier_answers", "_copier_phase", "_copier_operation"}
GO_SOURCES = [path for path in source.template_files() if path.name.endswith((".go", ".go.jinja"))]
CONTROL = re.compile(r"^(\s*)//%\s*(\w+)")

MAX_CONTROL_LINES = 6
MAY_HAVE_MORE = {
    "templates/_shared/internal/platform/postgres/postgres.go": "one option, its import, field and use",
    "templates/_shared/internal/platform/postgres/postgres_test.go": "one option of the pool, with its import and uses",
    "templates/go-grpc-service/internal/platform/grpcserver/server.go.jinja": "one option, its import, field and use, and a listener in memory",
    "templates/go-grpc-service/cmd/server/serve_test.go.jinja": "the wiring is where the answers meet",
    "templates/go-grpc-service/cmd/server/wire.go.jinja": "the wiring is where the answers meet",
    "templates/go-grpc-service/internal/platform/config/config.go.jinja": "each answer brings variables of its own",
    "templates/go-grpc-service/internal/platform/config/config_test.go.jinja": "each answer brings variables of its own",
    "templates/go-http-service/cmd/server/serve_test.go.jinja": "the wiring is where the answers meet",
    "templates/go-http-service/cmd/server/wire.go.jinja": "the wiring is where the answers meet",
    "templates/go-http-service/internal/platform/config/config.go.jinja": "each answer brings variables of its own",
    "templates/go-http-service/internal/platform/config/config_test.go.jinja": "each answer brings variables of its own",
    "templates/_shared/internal/platform/httpserver/router.go": "one option, its import, field and use",
    "templates/go-worker-pool/cmd/worker/serve_test.go.jinja": "the wiring is where the answers meet",
    "templates/go-worker-pool/cmd/worker/wire.go.jinja": "the wiring is where the answers meet",
    "templates/go-worker-pool/internal/platform/config/config.go.jinja": "each answer brings variables of its own",
    "templates/go-worker-pool/internal/platform/config/config_test.go.jinja": "each answer brings variables of its own",
    "templates/go-worker-pool/internal/platform/consumer/consumer.go.jinja": "one option, its import, fields and uses",
}
"""Why splitting these files would read worse than more control lines."""


def test_every_include_exists_and_every_questions_file_is_included() -> None:
    present = {path.relative_to(source.ROOT).as_posix() for path in (source.ROOT / "questions").rglob("*") if path.is_file()}

    assert sorted(source.includes()) == sorted(present)


def test_no_question_is_declared_twice() -> None:
    declared = [line.split(":")[0] for path in source.includes() for line in _lines(Path(path)) if re.match(r"\w+:", line)]

    assert sorted(declared) == sorted(question.key for question in source.CATALOG.questions)


def test_every_question_is_used() -> None:
    assert KEYS - _used_in_templates() - _used_in_copier_yml() - _used_in_questions() == set()


def test_templates_use_only_what_is_asked() -> None:
    assert _used_in_templates() <= KEYS | OF_COPIER


@pytest.mark.parametrize("setting", ["exclude", "skip_if_exists"])
def test_every_pattern_matches_a_file(setting: str, renderings: list[Rendering]) -> None:
    files = {path for rendering in renderings for path in rendering.files}

    patterns = _patterns(setting)

    assert patterns
    assert [pattern for pattern in patterns if not any(pathspec.GitIgnoreSpec.from_lines([pattern]).match_files(files))] == []


def test_every_excluded_pattern_is_left_out_somewhere(renderings: list[Rendering]) -> None:
    spec = {pattern: pathspec.GitIgnoreSpec.from_lines([pattern]) for pattern in _patterns("exclude")}

    always_there = [
        pattern for pattern in spec if all(any(spec[pattern].match_files(rendering.files)) for rendering in renderings)
    ]

    assert always_there == []


def test_every_partial_is_included() -> None:
    partials = {path.as_posix() for path in source.template_files() if path.parts[1] == "_shared"}
    templates = "\n".join(_text(path) for path in source.template_files())
    included = {name for _, name, _ in re.findall(r'(include|import|from) "([^"]+)"( ~)?', templates)}
    folders = tuple(name for _, name, chosen in re.findall(r'(include) "([^"]+)"( ~)?', templates) if chosen)

    assert {partial for partial in partials - included if not (folders and partial.startswith(folders))} == set()


def test_go_templates_are_gofmt_clean(tmp_path: Path) -> None:
    for number, path in enumerate(GO_SOURCES):
        if not _is_only_an_include(path):
            copy = tmp_path / f"{number}-{path.name.removesuffix('.jinja')}"
            copy.write_text(_text(path), encoding="utf-8")

    assert gofmt(tmp_path) == ""


@pytest.mark.parametrize("path", GO_SOURCES, ids=str)
class TestGoTemplate:
    """What gofmt, which takes a control line for a comment, would not notice."""

    def test_no_control_line_was_reformatted_into_a_comment(self, path: Path) -> None:
        assert [line for line in _lines(path) if re.match(r"\s*// %", line)] == []

    def test_no_condition_is_around_a_declaration(self, path: Path) -> None:
        assert [line for line in _lines(path) if line.startswith("//%")] == []

    def test_conditions_nest_at_most_once(self, path: Path) -> None:
        assert max(_depths(path), default=0) <= 2

    def test_there_are_few_control_lines_or_a_reason(self, path: Path) -> None:
        has_more = sum(bool(CONTROL.match(line)) for line in _lines(path)) > MAX_CONTROL_LINES

        assert has_more == (path.as_posix() in MAY_HAVE_MORE)

    def test_delimiters_stand_only_in_strings_and_comments(self, path: Path) -> None:
        outside = [re.sub(r'"(\\.|[^"\\])*"|`[^`]*`|//.*', "", line) for line in _lines(path)]

        assert _is_only_an_include(path) or [line for line in outside if re.search(r"\[\[|\[%|\[#", line)] == []


@pytest.mark.parametrize("path", [path for path in source.template_files() if path not in GO_SOURCES], ids=str)
def test_line_statements_are_only_in_go(path: Path) -> None:
    assert [line for line in _lines(path) if re.match(r"\s*//\s?%", line)] == []


def test_every_exception_is_of_a_template() -> None:
    assert set(MAY_HAVE_MORE) <= {path.as_posix() for path in GO_SOURCES}


def _used_in_templates() -> set[str]:
    paths = [path for path in source.template_files() if path.suffix == ".jinja" or path.parts[1] == "_shared"]
    return {name for path in paths for text in (_text(path), path.name) for name in _variables(text)}


def _used_in_copier_yml() -> set[str]:
    settings = {key: value for key, value in source.settings().items() if key != "envops"}
    return {name for text in _strings(settings) for name in _variables(text)}


def _used_in_questions() -> set[str]:
    return {name for question in source.CATALOG.questions for name in _variables(f"{question.when}\n{question.default}")}


def _variables(text: str) -> set[str]:
    return meta.find_undeclared_variables(environment(source.CATALOG.envops).parse(text))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from _strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from _strings(child)


def _patterns(setting: str) -> list[str]:
    return [line.strip() for entry in source.settings()[setting] for line in entry.splitlines() if line.strip().startswith("/")]


def _depths(path: Path) -> Iterator[int]:
    depth = 0
    for line in _lines(path):
        if match := CONTROL.match(line):
            depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(match[2], 0)
            yield depth


def _is_only_an_include(path: Path) -> bool:
    return re.fullmatch(r"(\[% (set|include|from|import) [^%]* %\]\s*)+", _text(path)) is not None


def _text(path: Path) -> str:
    return (source.ROOT / path).read_text(encoding="utf-8")


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()
