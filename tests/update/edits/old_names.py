"""Own code that calls a managed package by names that may change."""

from pathlib import Path

from tests.generated.first_edits.author import Author

ABOUT = "internal/about/about.go"


def edit(service: Path) -> None:
    author = Author(service)
    author.write(
        ABOUT,
        """// Package about tells what this program is.
package about

import "example.com/user-service/internal/platform/telemetry"

// Text is for people.
func Text(version string) string {
	return "This is " + telemetry.ReadBuild("user-service", version).String()
}
""",
    )
    author.write(
        "internal/about/about_test.go",
        """package about_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/user-service/internal/about"
)

func TestText(t *testing.T) {
	t.Parallel()
	assert.Contains(t, about.Text("v1.2.3"), "This is user-service v1.2.3")
}
""",
    )
