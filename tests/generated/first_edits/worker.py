"""A newcomer's first edits of a worker: another kind of job, a setting, a dependency. Each is what one would do, and no more."""

from tests.generated.conftest import Project
from tests.generated.first_edits.author import Author

JOB = "internal/job/job.go"
JOB_TEST = "internal/job/job_test.go"
LONGEST = "internal/job/longest.go"
LONGEST_TEST = "internal/job/longest_test.go"
CONFIG = "internal/platform/config/config.go"
CONFIG_TEST = "internal/platform/config/config_test.go"
WIRE = "cmd/worker/wire.go"


def edit(author: Author, _: Project) -> None:
    """All of them."""
    add_a_kind_of_job(author)
    add_a_setting(author)
    add_a_dependency(author)


def add_a_kind_of_job(author: Author) -> None:
    """{"kind": "longest"} finds the longest word of the text."""
    author.change(
        JOB, """	Text string `json:"text"`\n""", """	Kind string `json:"kind"`\n	Text string `json:"text"`\n"""
    )
    author.change(
        JOB,
        """	words := """,
        """	if job.Kind == "longest" {
		return c.longest(ctx, job.Text)
	}
	words := """,
    )
    author.write(
        LONGEST,
        """package job

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

func (c *Counter) longest(ctx context.Context, text string) error {
	longest := ""
	for word := range strings.FieldsSeq(text) {
		if len(word) > len(longest) {
			longest = word
		}
	}
	if longest == "" {
		return fmt.Errorf("%w: no word is long enough", ErrInvalid)
	}
	c.log.InfoContext(ctx, "found", slog.String("word", longest))
	return nil
}
""",
    )
    author.write(
        LONGEST_TEST,
        """package job_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/job"
)

func TestLongest(t *testing.T) {
	var logs bytes.Buffer
	counter := job.NewCounter(slog.New(slog.NewTextHandler(&logs, nil)))

	require.NoError(t, counter.Do(t.Context(), "k", []byte(`{"kind": "longest", "text": "a word of many letters"}`)))
	assert.Contains(t, logs.String(), "word=letters")
	require.ErrorIs(t, counter.Do(t.Context(), "k", []byte(`{"kind": "longest", "text": "a b"}`)), job.ErrInvalid)
}
""",
    )


def add_a_setting(author: Author) -> None:
    """MIN_LETTERS: a shorter word is not looked at."""
    author.change(CONFIG, "	Workers        int\n", "	Workers        int\n	MinLetters     int\n")
    author.change(
        CONFIG,
        '	cfg.Queue = int(e.count("QUEUE"',
        '	cfg.MinLetters = int(e.count("MIN_LETTERS", 2, 1))\n	cfg.Queue = int(e.count("QUEUE"',
    )
    author.change(
        CONFIG_TEST,
        "	assert.Equal(t, 8, cfg.Workers)\n",
        "	assert.Equal(t, 8, cfg.Workers)\n	assert.Equal(t, 2, cfg.MinLetters)\n",
    )
    author.change(WIRE, "job.NewCounter(log)", "job.NewCounter(log, cfg.MinLetters)")
    author.change(JOB, "	log *slog.Logger\n}", "	log        *slog.Logger\n	minLetters int\n}")
    author.change(JOB, "NewCounter(log *slog.Logger)", "NewCounter(log *slog.Logger, minLetters int)")
    author.change(JOB, "&Counter{log: log}", "&Counter{log: log, minLetters: minLetters}")
    author.change(LONGEST, "if len(word) > len(longest)", "if len(word) >= c.minLetters && len(word) > len(longest)")

    # What the compiler asks for.
    author.change(JOB_TEST, "slog.NewTextHandler(&logs, nil)))", "slog.NewTextHandler(&logs, nil)), 2)")
    author.change(JOB_TEST, "slog.New(slog.DiscardHandler))", "slog.New(slog.DiscardHandler), 2)")
    author.change(LONGEST_TEST, "slog.NewTextHandler(&logs, nil)))", "slog.NewTextHandler(&logs, nil)), 2)")


def add_a_dependency(author: Author) -> None:
    """The log says how many letters the word has, with a module's help."""
    author.succeed("go", "get", "github.com/dustin/go-humanize@v1.1.0")
    author.change(LONGEST, '	"strings"\n)', '	"strings"\n\n	"github.com/dustin/go-humanize"\n)')
    author.change(
        LONGEST, '"word", longest)', '"word", longest),\n		slog.String("letters", humanize.Comma(int64(len(longest))))'
    )
    author.change(LONGEST_TEST, '"word=letters")', '"word=letters letters=7")')
    author.succeed("go", "mod", "tidy")
