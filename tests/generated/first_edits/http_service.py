"""A newcomer's first edits of an HTTP service: a route, a field, a dependency. Each is what one would do, and no more."""

from tests.generated.conftest import Project
from tests.generated.first_edits import users
from tests.generated.first_edits.author import Author

HANDLERS = "internal/api/handlers.go"
ROUTES = "internal/api/routes.go"
DOCUMENT = "api/openapi.yaml"
API_TEST = "internal/api/api_test.go"
PROBLEM_TEST = "internal/api/problem_test.go"


def edit(author: Author, project: Project) -> None:
    """All of them."""
    add_a_route(author)
    add_a_field(author, has_database=project.has_database)
    add_a_dependency(author)


def add_a_route(author: Author) -> None:
    """GET /v1/users/{id}/greeting: a handler, its route, its part of the OpenAPI document, and a test."""
    author.write(
        "internal/api/greeting.go",
        """package api

import (
	"net/http"

	"example.com/user-service/internal/platform/httpserver"
)

type greetingBody struct {
	Greeting string `json:"greeting"`
}

func (h handlers) greet(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	u, err := h.users.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return httpserver.WriteJSON(w, http.StatusOK, greetingBody{Greeting: "Hello, " + u.Name + "!"})
}
""",
    )
    author.change(
        ROUTES,
        """		"GET /openapi.yaml":     document,
""",
        """		"GET /openapi.yaml":     document,

		"GET /v1/users/{id}/greeting": h.greet,
""",
    )
    author.change(
        DOCUMENT,
        """  /openapi.yaml:
""",
        """  /v1/users/{id}/greeting:
    parameters:
      - $ref: "#/components/parameters/UserID"
    get:
      operationId: greetUser
      summary: Greet a user
      tags: [users]
      responses:
        "200":
          description: A greeting.
          content:
            application/json:
              schema:
                type: object
                required: [greeting]
                properties:
                  greeting:
                    type: string
        "404":
          $ref: "#/components/responses/NotFound"
        default:
          $ref: "#/components/responses/Problem"
  /openapi.yaml:
""",
    )
    author.write(
        "internal/api/greeting_test.go",
        """package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestGreeting(t *testing.T) {
	handler := newAPI(t)
	location := create(t, handler, ada)

	response := call(t, handler, "GET", location+"/greeting", "")
	if response.Code != http.StatusOK {
		t.Fatalf("got status %d", response.Code)
	}
	if !strings.Contains(response.Body.String(), "Hello, Ada Lovelace!") {
		t.Errorf("got %s", response.Body)
	}

	response = call(t, handler, "GET", "/v1/users/nobody/greeting", "")
	if response.Code != http.StatusNotFound {
		t.Errorf("got status %d", response.Code)
	}
}
""",
    )


def add_a_field(author: Author, *, has_database: bool) -> None:
    """Users have a phone number, which may be empty: in the domain, the store, the API and its document."""
    users.add_a_phone(author, has_database=has_database)

    author.change(ROUTES, "name, email string)", "name, email, phone string)")
    author.change(HANDLERS, "body.Name, body.Email)", "body.Name, body.Email, body.Phone)")
    author.change(HANDLERS, "Email: &body.Email}", "Email: &body.Email, Phone: &body.Phone}")
    author.change(HANDLERS, "Email: body.Email.value}", "Email: body.Email.value, Phone: body.Phone.value}")
    author.change(
        HANDLERS,
        '	Email     string    `json:"email"`\n',
        '	Email     string    `json:"email"`\n	Phone     string    `json:"phone,omitempty"`\n',
    )
    author.change(
        HANDLERS, '	Email string `json:"email"`\n', '	Email string `json:"email"`\n	Phone string `json:"phone"`\n'
    )
    author.change(
        HANDLERS, '	Email member `json:"email"`\n', '	Email member `json:"email"`\n	Phone member `json:"phone"`\n'
    )
    email = """        email:
          $ref: "#/components/schemas/Email"
"""
    phone = """        phone:
          type: string
          maxLength: 20
"""
    author.change(DOCUMENT, email, email + phone, times=3)

    # What the compiler asks for.
    author.change(PROBLEM_TEST, "Create(context.Context, string, string)", "Create(context.Context, string, string, string)")

    author.write(
        "internal/api/phone_test.go",
        """package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPhone(t *testing.T) {
	handler := newAPI(t)
	location := create(t, handler, `{"name": "Ada", "email": "ada@example.com", "phone": "555-0100"}`)

	response := call(t, handler, http.MethodGet, location, "")
	assert.Contains(t, response.Body.String(), `"phone":"555-0100"`)

	response = call(t, handler, http.MethodPatch, location, `{"phone": "555-0199"}`, "If-Match", "*")
	assert.Contains(t, response.Body.String(), `"phone":"555-0199"`)

	response = call(t, handler, http.MethodPatch, location, `{"phone": "555-0199-555-0199-555-0199"}`, "If-Match", "*")
	assert.Equal(t, http.StatusUnprocessableEntity, response.Code)
}
""",
    )


def add_a_dependency(author: Author) -> None:
    """The greeting says for how long the user has been there, with a module's help."""
    author.succeed("go", "get", "github.com/dustin/go-humanize@v1.1.0")
    author.change(
        "internal/api/greeting.go",
        """	"net/http"

""",
        """	"net/http"

	"github.com/dustin/go-humanize"

""",
    )
    author.change("internal/api/greeting.go", '+ "!"}', '+ "! You joined " + humanize.Time(u.CreatedAt) + "."}')
    author.change("internal/api/greeting_test.go", "Hello, Ada Lovelace!", "Hello, Ada Lovelace! You joined now.")
    author.succeed("go", "mod", "tidy")
