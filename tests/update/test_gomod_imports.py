"""Which packages Go source imports, without Go."""

import pytest

from gopherforge.goimports import imports, sources


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('package a\nimport "x"', {"x"}),
        ('package a; import "x"; import `y`; var s = "z"', {"x", "y"}),
        ('package a\n\nimport (\n\t"x"\n\n\tn "y" // "no"\n\t. "z"; _ "w"\n)\n\nimport "v"\n', set("vwxyz")),
        ('// import "no"\n/* package no\nimport "no" */\npackage a /* ; */ // c\nimport /* "no" */ "x"', {"x"}),
        ('package a\nimport ()\nimport (\n)\nfunc f() { const c = `import "no"` }', set()),
        ('package a\nconst c = "import"\nimport "no"', set()),
        ('\ufeffpackage a\r\n\r\nimport (\r\n\t"x"\r\n)\r\n', {"x"}),
        ('package имя\nimport имя "x"', {"x"}),
        ('//go:build linux\n\npackage a\nimport "x"', {"x"}),
        ('//go:build ignore\n\npackage a\nimport "no"', set()),
        ('package a\nimport "x"\n//go:build ignore\n', {"x"}),
        ('// Copyright\n// package of laws\n\n//go:build ignore\r\n\r\npackage a\nimport "no"', set()),
        ('package a\nimport "x"\nconst c = `\n//go:build ignore\n\npackage main\n`\n', {"x"}),
        ('package a\nimport "x', set()),
        ('package a\nimport ("x"', {"x"}),
        ("package", set()),
        ("", set()),
        ('import "no"', set()),
        ('package a\nimport (\n<<<<<<< ours\n\t"x"\n=======\n\t"y"\n>>>>>>> theirs\n\t"z"\n)\n', {"x", "y", "z"}),
        ('<<<<<<< a\npackage a\nimport "x"\n||||||| b\nimport "no"\n=======\npackage a\nimport "y"\n>>>>>>> c', {"x", "y"}),
    ],
)  # fmt: skip
def test_the_imports_before_the_first_declaration_are_found(source: str, found: set[str]) -> None:
    assert imports([source.encode()]) == found


def test_a_file_that_is_not_utf_8_is_read() -> None:
    assert imports([b'package a // \xff\nimport "x"', b"\xff\xfe\x00"]) == {"x"}


def test_files_that_go_passes_over_are_no_sources() -> None:
    own = ["main.go", "a/b/c.go", "a/c_test.go", "tools.go"]
    others = ["go.mod", "tools/go.mod", "tools/t.go", "tools/x/t.go", "vendor/v/v.go", "a/testdata/t.go", "a/_x/t.go"]
    others += [".git/t.go", "_t.go", ".t.go", "README.md", "a/go"]

    assert sources([*own, *others]) == sorted(own)
