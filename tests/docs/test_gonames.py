"""Which names count as exported by the packages that an author's code calls, and which of them are gone."""

import pytest

from tests.docs.gonames import Names, gone, read_names

PACKAGE = "templates/go-worker-pool/internal/pool"

POOL = """package pool

const (
	//% if tracing
	First, Second = 1, 2

	//% endif
	third = 3
	//go:fix inline
	Former = First
)

// Pool is one.
type Pool[J, R any] struct {
	Size int
}

type worker struct{}

var ErrFull, ErrClosed = errors.New("full"), errors.New("closed")

func New[J, R any]() *Pool[J, R] {
	type Local struct{}
	return nil
}

func (p *Pool[J, R]) Submit() {}

func (Pool[J, R]) private() {}

func (w *worker) Run() {}

// Start is New.
//
//go:fix inline
func Start() { New() }

//go:fix inline
func (p *Pool[J, R]) Push() { p.Submit() }
"""

NAMES = {"First", "Second", "Former", "Pool", "Pool.Submit", "Pool.Push", "ErrFull", "ErrClosed", "New", "Start"}


def full(*names: str) -> frozenset[str]:
    return frozenset(f"go-worker-pool/internal/pool.{name}" for name in names)


@pytest.mark.parametrize(
    "files",
    [
        {f"{PACKAGE}/pool.go": POOL},
        {f"{PACKAGE}/pool.go.jinja": '[% include "templates/_shared/pool.go" %]\n', "templates/_shared/pool.go": POOL},
    ],
    ids=["a file", "a partial"],
)
def test_exported_names_of_a_package(files: dict[str, str]) -> None:
    assert read_names(files) == Names(full(*NAMES), full("Former", "Start", "Pool.Push"))


@pytest.mark.parametrize(
    "path", ["internal/pool/pool_test.go.jinja", "internal/job/job.go", "cmd/worker/main.go", "internal/pool/README.md"]
)
def test_other_files_export_nothing(path: str) -> None:
    assert read_names({f"templates/go-worker-pool/{path}": POOL}) == Names(frozenset(), frozenset())


def test_a_name_may_go_once_a_release_had_it_as_a_forwarder() -> None:
    first = Names(full("Old", "Old.Run", "New"), frozenset())
    forwarding, after = Names(full("Old", "New", "New.Run"), full("Old")), Names(full("New", "New.Run"), frozenset())
    assert gone([first], after) == sorted(full("Old", "Old.Run"))
    assert gone([first], forwarding) == []
    assert gone([first, forwarding], after) == []
