package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	lockTimeout  = 300 // seconds, as goose counts
	readyTimeout = time.Second
	readyCache   = time.Second
)

// Migrate applies the goose migrations at the root of files that the database does not have yet. Of several processes that do so
// at the same time, one works and the others wait.
func Migrate(ctx context.Context, cfg Config, files fs.FS, log *slog.Logger) (err error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, lockTimeout)) // asks every second
	if err != nil {
		return fmt.Errorf("make session locker: %w", err)
	}
	db, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer db.Close()
	conn := stdlib.OpenDBFromPool(db.pool)
	defer func() { err = errors.Join(err, conn.Close()) }()

	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files,
		goose.WithSessionLocker(locker), goose.WithSlog(log), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	log.InfoContext(ctx, "database is up to date", slog.Int("applied", len(results)))
	return nil
}

// Ready returns a check that the database answers and has every migration at the root of files. An answer counts for a second, so
// that probes cost the database next to nothing.
func (db *DB) Ready(files fs.FS) func(ctx context.Context) error {
	r := &readiness{db: db, files: files}
	return r.check
}

type readiness struct {
	db    *DB
	files fs.FS

	mu       sync.Mutex
	migrated bool // stays true: nobody takes migrations back under a running service
	answer   error
	answered time.Time
}

func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered.IsZero() || time.Since(r.answered) >= readyCache {
		// A probe that gives up must not leave its own end as the answer for others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.answer = r.ask(ctx)
		r.answered = time.Now()
	}
	return r.answer
}

func (r *readiness) ask(ctx context.Context) error {
	if r.migrated {
		err := r.db.pool.Ping(ctx)
		if err == nil || r.db.busy() {
			return nil
		}
		return fmt.Errorf("ping: %w", err)
	}
	pending, err := r.pending(ctx)
	if err != nil {
		return err
	}
	if pending > 0 {
		return fmt.Errorf("migrations pending: %d; run the migrate command", pending)
	}
	r.migrated = true
	return nil
}

// pending counts the migrations that the database does not have. goose itself would make its version table when asked, which is
// not for a probe to do.
func (r *readiness) pending(ctx context.Context) (int, error) {
	names, err := fs.Glob(r.files, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	versions := make([]int64, len(names))
	for i, name := range names {
		if versions[i], err = goose.NumericComponent(name); err != nil {
			return 0, fmt.Errorf("read version of %s: %w", name, err)
		}
	}
	const countApplied = `SELECT count(DISTINCT version_id) FROM ` + goose.DefaultTablename + ` WHERE is_applied AND version_id = ANY ($1)`
	var applied int
	err = r.db.pool.QueryRow(ctx, countApplied, versions).Scan(&applied)
	const undefinedTable = "42P01"
	if missing, ok := errors.AsType[*pgconn.PgError](err); ok && missing.Code == undefinedTable {
		return len(versions), nil
	}
	if err != nil {
		return 0, fmt.Errorf("read applied migrations: %w", err)
	}
	return len(versions) - applied, nil
}
