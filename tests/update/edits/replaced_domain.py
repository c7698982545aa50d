"""The example gives way to the author's own subject, in its packages and where they are wired."""

import re
import shutil
from pathlib import Path

from tests.generated.first_edits.author import Author

WIRE, MAIN = "cmd/server/wire.go", "cmd/server/main.go"
WORKER_WIRE, SERVE_TEST = "cmd/worker/wire.go", "cmd/worker/serve_test.go"

ORDER = """// Package order keeps the orders.
package order

import (
	"errors"
	"sync"
)

// ErrNotFound is the error for an order that there is not.
var ErrNotFound = errors.New("no such order")

// Book keeps orders in memory: what was ordered by number.
type Book struct {
	mu     sync.Mutex
	orders map[string]string
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{orders: map[string]string{}}
}

// Put adds an order.
func (b *Book) Put(number, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[number] = what
}

// Get returns what was ordered, or ErrNotFound.
func (b *Book) Get(number string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what, ok := b.orders[number]
	if !ok {
		return "", ErrNotFound
	}
	return what, nil
}
"""

ORDER_TEST = """package order_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/order"
)

func TestBook(t *testing.T) {
	t.Parallel()
	book := order.NewBook()
	_, err := book.Get("1")
	require.ErrorIs(t, err, order.ErrNotFound)
	book.Put("1", "tea")
	what, err := book.Get("1")
	require.NoError(t, err)
	assert.Equal(t, "tea", what)
}
"""

API = """// Package api serves the orders over HTTP.
package api

import (
	"errors"
	"net/http"

	"example.com/user-service/internal/order"
	"example.com/user-service/internal/platform/httpserver"
)

// Register adds the routes of the API to rt.
func Register(rt *httpserver.Router, orders *order.Book) {
	rt.Handle("GET /v1/orders/{number}", func(w http.ResponseWriter, r *http.Request) error {
		what, err := orders.Get(r.PathValue("number"))
		if err != nil {
			return err
		}
		return httpserver.WriteJSON(w, http.StatusOK, what)
	})
}

// Problem returns what to answer for an error of the domain, or nil for any other error.
func Problem(err error) *httpserver.Problem {
	if errors.Is(err, order.ErrNotFound) {
		return httpserver.NewProblem(http.StatusNotFound, "There is no such order.")
	}
	return nil
}
"""

MIGRATIONS = """// Package migrations holds the schema of the orders' tables.
package migrations

import "embed"

// FS has the migrations at its root.
//
//go:embed *.sql
var FS embed.FS
"""

TABLE = """-- +goose Up
CREATE TABLE orders (number text PRIMARY KEY, what text NOT NULL);

-- +goose Down
DROP TABLE orders;
"""

INVOICE = """// Package invoice sends invoices.
package invoice

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
)

// ErrInvalid is the error of an invoice that nobody can send.
var ErrInvalid = errors.New("invalid invoice")

// Sender sends invoices.
type Sender struct {
	log *slog.Logger
}

// NewSender returns a sender that logs what it has sent.
func NewSender(log *slog.Logger) *Sender {
	return &Sender{log: log}
}

// Send sends one invoice.
func (s *Sender) Send(ctx context.Context, number string, body []byte) error {
	var invoice struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(body, &invoice); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if invoice.Text == "" {
		return fmt.Errorf("%w: %s is empty", ErrInvalid, number)
	}
	s.log.InfoContext(ctx, "invoice sent", slog.Int("bytes", len(invoice.Text)))
	return nil
}
"""

INVOICE_TEST = """package invoice_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/invoice"
)

func TestSend(t *testing.T) {
	t.Parallel()
	sender := invoice.NewSender(slog.New(slog.DiscardHandler))
	require.NoError(t, sender.Send(t.Context(), "1", []byte(`{"text": "5 euros"}`)))
	require.ErrorIs(t, sender.Send(t.Context(), "2", []byte(`{"text": ""}`)), invoice.ErrInvalid)
}
"""


def edit(service: Path) -> None:
    author = Author(service)
    if (service / "internal/job").exists():
        _invoices(author, service)
    else:
        _orders(author, service)


def _orders(author: Author, service: Path) -> None:
    stored = (service / "internal/user/migrations").exists()
    for path in ("api", "internal/api", "internal/user"):
        shutil.rmtree(service / path)
    author.write("internal/order/order.go", ORDER)
    author.write("internal/order/order_test.go", ORDER_TEST)
    author.write("internal/api/api.go", API)
    _tidy(author, (service / "go.mod").read_text(encoding="utf-8"))
    order, user = ('\t"example.com/user-service/internal/order"\n', '\t"example.com/user-service/internal/user"\n')
    store = "user.NewService(user.NewStore(db))" if stored else "user.NewService(user.NewStore())"
    author.change(WIRE, user, "")
    author.change(WIRE, '\t"example.com/user-service/internal/api"\n', f'\t"example.com/user-service/internal/api"\n{order}')
    author.change(WIRE, f"users := {store}", "orders := order.NewBook()")
    author.change(WIRE, "api.Register(router, users)", "api.Register(router, orders)")
    if stored:
        author.write("internal/order/migrations/migrations.go", MIGRATIONS)
        author.write("internal/order/migrations/00001_create_orders.sql", TABLE)
        for path in (WIRE, MAIN):
            author.change(path, "internal/user/migrations", "internal/order/migrations")
        author.change("Makefile", "internal/user/migrations", "internal/order/migrations")


def _tidy(author: Author, modules: str) -> None:
    """As `go mod tidy` does: only a test of the example imports YAML, modules of others go on to need it."""
    head, direct, indirect = modules.split("\nrequire (\n")
    found = re.search(r"\tgo\.yaml\.in/yaml/v3 v\S+\n", direct)
    assert found
    lines = [f"{found[0].rstrip()} // indirect\n", *indirect.removesuffix(")\n").splitlines(keepends=True)]
    rest = "".join(sorted(lines, key=lambda line: line.split()[0]))
    author.write("go.mod", "\nrequire (\n".join([head, direct.replace(found[0], ""), f"{rest})\n"]))


def _invoices(author: Author, service: Path) -> None:
    shutil.rmtree(service / "internal/job")
    author.write("internal/invoice/invoice.go", INVOICE)
    author.write("internal/invoice/invoice_test.go", INVOICE_TEST)
    author.change(WORKER_WIRE, "example.com/user-service/internal/job", "example.com/user-service/internal/invoice")
    author.change(WORKER_WIRE, "words := job.NewCounter(log)", "invoices := invoice.NewSender(log)")
    author.change(WORKER_WIRE, "words.Do(", "invoices.Send(")
    author.change(WORKER_WIRE, "job.ErrInvalid", "invoice.ErrInvalid")
    text = (service / SERVE_TEST).read_text(encoding="utf-8")
    author.write(SERVE_TEST, text.replace('"counted"', '"invoice sent"'))
