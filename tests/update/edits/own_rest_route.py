"""A request of the author's beside those that the gateway translates."""

from pathlib import Path

from tests.generated.first_edits.author import Author

GATEWAY = "internal/api/gateway.go"
DOCUMENT = '	router.Handle("GET /openapi.json", document)\n'


def edit(service: Path) -> None:
    author = Author(service)
    author.change(GATEWAY, DOCUMENT, f'{DOCUMENT}	router.Handle("GET /v1/hello", hello)\n')
    author.write(
        "internal/api/hello.go",
        """package api

import (
	"net/http"

	"example.com/user-service/internal/platform/httpserver"
)

func hello(w http.ResponseWriter, _ *http.Request) error {
	return httpserver.WriteJSON(w, http.StatusOK, "hello")
}
""",
    )
    author.write(
        "internal/api/hello_test.go",
        """package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHello(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	require.NoError(t, hello(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/hello", http.NoBody)))
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Contains(t, answer.Body.String(), "hello")
}
""",
    )
