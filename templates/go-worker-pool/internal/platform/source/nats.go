package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// dialTimeout bounds one attempt to connect, and pingInterval how long a broken connection goes unnoticed: three of them.
	dialTimeout  = 2 * time.Second
	pingInterval = 10 * time.Second

	// flushTimeout bounds how long the broker may take to read what was sent to it.
	flushTimeout = 5 * time.Second
)

// deadSuffix makes the name of the dead letters' stream from that of the jobs.
const deadSuffix = "-dead"

// CheckURL says whether text is the URL of a NATS server, or of several, separated by commas.
func CheckURL(text string) error {
	_, err := hosts(text)
	return err
}

// hosts returns where the servers of a URL are, without what is secret in it.
func hosts(text string) (string, error) {
	var all []string
	for server := range strings.SplitSeq(text, ",") {
		parsed, err := url.Parse(strings.TrimSpace(server))
		if err != nil || parsed.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, parsed.Scheme) {
			return "", errors.New("not the URL of a NATS server")
		}
		all = append(all, parsed.Host)
	}
	return strings.Join(all, ", "), nil
}

// connect returns a connection that mends itself, to a broker that has what declare makes there. It waits for a broker that does not
// answer yet.
func connect(
	ctx context.Context, cfg Config, log *slog.Logger, declare func(context.Context, jetstream.JetStream) error,
) (*nats.Conn, jetstream.JetStream, error) {
	servers, err := hosts(cfg.URL)
	if err != nil {
		return nil, nil, err
	}
	var conn *nats.Conn
	var js jetstream.JetStream
	err = await(ctx, cfg.StartTimeout, log, func(ctx context.Context) (err error) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if conn, err = nats.Connect(cfg.URL, options(ctx, cfg, log)...); err != nil {
			return fmt.Errorf("connect to %s: %w", servers, err)
		}
		if js, err = jetstream.New(conn); err == nil {
			err = declare(ctx, js)
		}
		if err != nil {
			conn.Close()
		}
		return err
	})
	return conn, js, err
}

func options(ctx context.Context, cfg Config, log *slog.Logger) []nats.Option {
	ctx = context.WithoutCancel(ctx)
	return []nats.Option{
		nats.Name(cfg.Name), nats.Timeout(dialTimeout), nats.PingInterval(pingInterval),
		nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), // whatever happens, it goes on trying
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.WarnContext(ctx, "broker disconnected", slog.Any("error", err))
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			log.InfoContext(ctx, "broker connected again", slog.String("server", conn.ConnectedUrlRedacted()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.WarnContext(ctx, "broker reports an error", slog.Any("error", err))
		}),
	}
}

// declareStreams makes the streams that are missing. Those that exist stay as they are: replicas and limits are the operator's.
func declareStreams(ctx context.Context, js jetstream.JetStream, name string) error {
	for _, stream := range []jetstream.StreamConfig{
		{Name: name, Subjects: []string{name}, Retention: jetstream.WorkQueuePolicy},
		{Name: name + deadSuffix, Subjects: []string{name + deadSuffix}},
	} {
		_, err := js.Stream(ctx, stream.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = js.CreateStream(ctx, stream)
		}
		if err != nil {
			return fmt.Errorf("declare stream %s: %w", stream.Name, err)
		}
	}
	return nil
}

// flush returns when the broker has read everything that was sent to it.
func flush(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("wait for the broker to take it: %w", err)
	}
	return nil
}

// disconnect closes a connection when what was sent on it has arrived.
func disconnect(ctx context.Context, conn *nats.Conn) error {
	if conn.IsClosed() {
		return nil
	}
	defer conn.Close()
	return flush(ctx, conn)
}
