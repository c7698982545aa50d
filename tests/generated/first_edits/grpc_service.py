"""A newcomer's first edits of a gRPC service: a call, a field, a dependency, a verb. Each is what one would do, and no more."""

from tests.generated.conftest import Project
from tests.generated.first_edits import users
from tests.generated.first_edits.author import Author

PROTO = "proto/user/v1/user.proto"
GATEWAY_RULES = "proto/user/v1/gateway.yaml"
GATEWAY = "internal/api/gateway.go"
GATEWAY_TEST = "internal/api/gateway_test.go"
SERVICE = "internal/api/service.go"
MESSAGE = "internal/api/message.go"
FEED = "internal/user/feed_postgres.go"
STATUS_TEST = "internal/api/status_test.go"
GREETING = "internal/api/greeting.go"
GREETING_TEST = "internal/api/greeting_test.go"


def edit(author: Author, project: Project) -> None:
    """All of them."""
    has_gateway = project.variant.answers["gateway"] is True
    add_a_call(author, has_gateway=has_gateway)
    add_a_field(author, has_database=project.has_database, has_gateway=has_gateway)
    add_a_dependency(author)
    add_a_verb(author)


def add_a_call(author: Author, *, has_gateway: bool) -> None:
    """GreetUser: in the API, its code, a method and a test; and a request by REST, where there is a gateway."""
    author.change(
        PROTO,
        """  // ListUsers returns""",
        """  // GreetUser greets a user. It fails with NOT_FOUND.
  rpc GreetUser(GreetUserRequest) returns (GreetUserResponse);
  // ListUsers returns""",
    )
    author.change(
        PROTO,
        """// ListUsersRequest asks""",
        """// GreetUserRequest asks for a greeting.
message GreetUserRequest {
  // The user's id.
  string id = 1;
}

// GreetUserResponse answers GreetUser.
message GreetUserResponse {
  // What to say.
  string greeting = 1;
}

// ListUsersRequest asks""",
    )
    if has_gateway:
        author.change(
            GATEWAY_RULES,
            """    - selector: user.v1.UserService.ListUsers
""",
            """    - selector: user.v1.UserService.GreetUser
      get: /v1/users/{id}/greeting
    - selector: user.v1.UserService.ListUsers
""",
        )
        author.change(
            GATEWAY,
            """	router.Handle("GET /openapi.json", document)
""",
            """	router.Handle("GET "+usersPath+"/{id}/greeting", g.Handle)
	router.Handle("GET /openapi.json", document)
""",
        )
    author.succeed("make", "generate")
    author.write(
        GREETING,
        """package api

import (
	"context"
	"fmt"

	userv1 "example.com/user-service/proto/user/v1"
)

func (s *service) GreetUser(ctx context.Context, request *userv1.GreetUserRequest) (*userv1.GreetUserResponse, error) {
	id, err := parseID(request.GetId())
	if err != nil {
		return nil, err
	}
	u, err := s.users.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("get user: %w", err)
	}
	return &userv1.GreetUserResponse{Greeting: "Hello, " + u.Name + "!"}, nil
}
""",
    )
    author.write(
        GREETING_TEST,
        """package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	userv1 "example.com/user-service/proto/user/v1"
)

func TestGreetUser(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	ada := create(t, client, "Ada Lovelace", "ada@example.com")

	response, err := client.GreetUser(t.Context(), &userv1.GreetUserRequest{Id: ada.GetId()})
	require.NoError(t, err)
	assert.Equal(t, "Hello, Ada Lovelace!", response.GetGreeting())

	_, err = client.GreetUser(t.Context(), &userv1.GreetUserRequest{Id: "nobody"})
	assert.Equal(t, codes.NotFound, status.Code(err))
}
""",
    )


def add_a_field(author: Author, *, has_database: bool, has_gateway: bool) -> None:
    """Users have a phone number, which may be empty: in the domain, the store, the API, and what watchers see."""
    users.add_a_phone(author, has_database=has_database)
    if has_database:
        author.change(
            FEED,
            '	Email     string    `json:"email"`\n',
            '	Email     string    `json:"email"`\n	Phone     string    `json:"phone"`\n',
        )

    author.change(
        PROTO,
        """  google.protobuf.Timestamp updated_at = 6;
""",
        """  google.protobuf.Timestamp updated_at = 6;
  // How to call the user, at most 20 characters; may be empty.
  string phone = 7;
""",
    )
    author.change(PROTO, "name, email, or * for both.", "name, email, phone, or * for all.")
    author.succeed("make", "generate")
    author.change(SERVICE, "name, email string)", "name, email, phone string)")
    author.change(
        SERVICE,
        "request.GetUser().GetName(), request.GetUser().GetEmail())",
        "request.GetUser().GetName(), request.GetUser().GetEmail(), request.GetUser().GetPhone())",
    )
    author.change(MESSAGE, "		Email:     u.Email,\n", "		Email:     u.Email,\n		Phone:     u.Phone,\n")
    author.change(
        MESSAGE,
        """			change.Email = new(given.GetEmail())
		}
""",
        """			change.Email = new(given.GetEmail())
		}
		if given.GetPhone() != "" {
			change.Phone = new(given.GetPhone())
		}
""",
    )
    author.change(
        MESSAGE,
        """		case "*":
			change.Name, change.Email = new(given.GetName()), new(given.GetEmail())
""",
        """		case "phone":
			change.Phone = new(given.GetPhone())
		case "*":
			change.Name, change.Email, change.Phone = new(given.GetName()), new(given.GetEmail()), new(given.GetPhone())
""",
    )
    author.change(MESSAGE, "must name name, email, or * for both", "must name name, email, phone, or * for all")

    # What the compiler and the tests ask for.
    author.change(STATUS_TEST, "Create(context.Context, string, string)", "Create(context.Context, string, string, string)")
    author.change(STATUS_TEST, "must name name, email, or * for both", "must name name, email, phone, or * for all")
    if has_gateway:
        author.change(
            GATEWAY_TEST,
            '	Email     string `json:"email"`\n',
            '	Email     string `json:"email"`\n	Phone     string `json:"phone"`\n',
        )
        for version in (1, 2):
            author.change(GATEWAY_TEST, f'"ada@example.com", {version}, ', f'"ada@example.com", "", {version}, ')
        author.change(GATEWAY_TEST, "must name name, email, or * for both", "must name name, email, phone, or * for all")

    author.write(
        "internal/api/phone_test.go",
        """package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	userv1 "example.com/user-service/proto/user/v1"
)

func TestPhone(t *testing.T) {
	t.Parallel()
	client := newAPI(t)
	changes := watch(t, client)

	ada := &userv1.User{Name: "Ada", Email: "ada@example.com", Phone: "555-0100"}
	created, err := client.CreateUser(t.Context(), &userv1.CreateUserRequest{User: ada})
	require.NoError(t, err)
	assert.Equal(t, "555-0100", created.GetUser().GetPhone())
	change, err := changes.Recv()
	require.NoError(t, err)
	assert.Equal(t, "555-0100", change.GetUser().GetPhone())

	update := func(phone string) (*userv1.UpdateUserResponse, error) {
		return client.UpdateUser(t.Context(), &userv1.UpdateUserRequest{
			User:       &userv1.User{Id: created.GetUser().GetId(), Version: 1, Phone: phone},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"phone"}},
		})
	}
	_, err = update(strings.Repeat("5", 21))
	assert.Equal(t, "InvalidArgument: The user breaks a rule.\\nuser.phone must have at most 20 characters", describe(err))
	updated, err := update("")
	require.NoError(t, err)
	assert.Empty(t, updated.GetUser().GetPhone())
}
""",
    )


def add_a_dependency(author: Author) -> None:
    """The greeting says for how long the user has been there, with a module's help."""
    author.succeed("go", "get", "github.com/dustin/go-humanize@v1.1.0")
    author.change(
        GREETING,
        """	"fmt"

""",
        """	"fmt"

	"github.com/dustin/go-humanize"

""",
    )
    author.change(GREETING, '+ "!"}', '+ "! You joined " + humanize.Time(u.CreatedAt) + "."}')
    author.change(GREETING_TEST, "Hello, Ada Lovelace!", "Hello, Ada Lovelace! You joined now.")
    author.succeed("go", "mod", "tidy")


def add_a_verb(author: Author) -> None:
    """`make calls` tells which calls there are."""
    author.write(
        "Makefile.local",
        """.PHONY: calls
calls: ## List the calls of the API
	@sed -n 's/^  rpc \\([A-Za-z]*\\).*/\\1/p' proto/user/v1/user.proto
""",
    )
    assert "GreetUser" in author.succeed("make", "--silent", "calls").splitlines()
    assert "List the calls of the API" in author.succeed("make", "help")
