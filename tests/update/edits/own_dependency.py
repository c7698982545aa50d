"""A package of the author's that imports a module, which an older release of the templates may have required as well."""

from pathlib import Path

from tests.generated.first_edits.author import Author

MODULE = "github.com/dustin/go-humanize"
VERSION = "v1.1.0"
SUMS = f"""{MODULE} {VERSION} h1:dbKTrvD0klcbBV/h4AWJdMuZogJACoMlvWIWZ5b2xWg=
{MODULE} {VERSION}/go.mod h1:hc1CvRkJMsgxqjmjMQF3QNRAZBwY8AXBAzKYoSX9sFI=
"""


def edit(service: Path) -> None:
    author = Author(service)
    author.write(
        "internal/size/size.go",
        f"""// Package size tells sizes to people.
package size

import "{MODULE}"

// Text is a number of bytes in words.
func Text(bytes uint64) string {{
	return humanize.Bytes(bytes)
}}
""",
    )
    author.write(
        "internal/size/size_test.go",
        """package size_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/user-service/internal/size"
)

func TestText(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "83 MB", size.Text(82854982))
}
""",
    )
    requirements = (service / "go.mod").read_text(encoding="utf-8")
    indirect, direct = f"\t{MODULE} {VERSION} // indirect\n", f"\t{MODULE} {VERSION}\n"
    if direct not in requirements:
        author.write("go.mod", requirements.replace(indirect, "").replace("\nrequire (\n", f"\nrequire (\n{direct}", 1))
    sums = (service / "go.sum").read_text(encoding="utf-8")
    if SUMS not in sums:
        author.write("go.sum", "".join(sorted((sums + SUMS).splitlines(keepends=True))))
