package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/consumer"
	"example.com/user-service/internal/platform/source"
	"example.com/user-service/internal/platform/telemetry"
	"example.com/user-service/internal/pool"
)

var errClosed = errors.New("the broker is closed")

// broker is a source of the messages that a test sends. It delivers again what it is asked to, and notes what it was told.
type broker struct {
	messages chan source.Message
	begun    chan struct{}

	mu     sync.Mutex
	taken  int
	told   []settlement
	closed bool
	answer func(ctx context.Context) error // instead of its own
}

// settlement is what the broker was told of one delivery.
type settlement struct {
	what    string
	key     string
	attempt int
	delay   time.Duration
	reason  string
}

func newBroker() *broker {
	return &broker{messages: make(chan source.Message, 1000), begun: make(chan struct{})}
}

func (b *broker) send(key string, body ...byte) {
	b.deliver(source.Message{Key: key, Body: body, Attempt: 1})
}

func (b *broker) deliver(m source.Message) {
	m.Delivery = &note{b, m}
	b.messages <- m
}

func (b *broker) Run(ctx context.Context, submit func(context.Context, source.Message) error) error {
	close(b.begun)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case m := <-b.messages:
			b.mu.Lock()
			b.taken++
			b.mu.Unlock()
			if err := submit(ctx, m); err != nil {
				if err := m.Release(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// close is the end of the connection: from here on the broker hears nothing.
func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

func (b *broker) tell(ctx context.Context, s settlement) error {
	if b.answer != nil {
		return b.answer(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	b.told = append(b.told, s)
	return nil
}

func (b *broker) heard() []settlement {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told
}

// count is how many messages were settled in one way.
func (b *broker) count(what string) (n int) {
	for _, s := range b.heard() {
		if s.what == what {
			n++
		}
	}
	return n
}

type note struct {
	broker  *broker
	message source.Message
}

func (n *note) settle(what string) settlement {
	return settlement{what: what, key: n.message.Key, attempt: n.message.Attempt}
}

func (n *note) Ack(ctx context.Context) error { return n.broker.tell(ctx, n.settle("acked")) }

func (n *note) Release(ctx context.Context) error { return n.broker.tell(ctx, n.settle("released")) }

func (n *note) Bury(ctx context.Context, reason string) error {
	s := n.settle("buried")
	s.reason = reason
	return n.broker.tell(ctx, s)
}

func (n *note) Retry(ctx context.Context, delay time.Duration) error {
	s := n.settle("retried")
	s.delay = delay
	again := n.message
	again.Attempt++
	time.AfterFunc(delay, func() { n.broker.deliver(again) })
	return n.broker.tell(ctx, s)
}

// bench is a consumer that works off the messages of a broker.
type bench struct {
	*consumer.Consumer
	*broker

	registry *prometheus.Registry
	logs     *journal
	served   chan error
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// lines are those with a text in them.
func (j *journal) lines(text string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// options are those of a small consumer.
func options() consumer.Options {
	return consumer.Options{
		Workers: 2, Queue: 3, MaxAttempts: 5, MaxBodyBytes: 100, JobTimeout: time.Minute,
		Backoff: pool.Backoff{First: time.Second, Max: time.Minute},
	}
}

// newBench makes a consumer that does not serve yet.
func newBench(t *testing.T, handle consumer.Handler, opts consumer.Options) *bench {
	t.Helper()
	b := &bench{broker: newBroker(), registry: prometheus.NewRegistry(), logs: &journal{}, served: make(chan error, 1)}
	opts.Registerer, opts.Logger = b.registry, telemetry.NewLogger(b.logs, slog.LevelInfo)
	var err error
	b.Consumer, err = consumer.New(t.Context(), b.broker, handle, opts)
	require.NoError(t, err)
	return b
}

// start makes a consumer that serves until the test ends, in a bubble of its own time.
func start(t *testing.T, handle consumer.Handler, opts consumer.Options) *bench {
	t.Helper()
	b := newBench(t, handle, opts)
	go func() { b.served <- b.Serve() }()
	<-b.begun
	return b
}

// stop ends the consumer, which has had time for everything.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, b.Shutdown(t.Context()))
	require.NoError(t, <-b.served)
}

// metric is the sum of a metric of that name whose labels have a value, if one is given.
func (b *bench) metric(t *testing.T, name string, label ...string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			if len(label) == 0 || m.GetLabel()[0].GetValue() == label[0] {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	require.Fail(t, "no metric "+name)
	return 0
}

func TestMetricsPassTheLinter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, func(context.Context, consumer.Job) error { return nil }, options())
		b.stop(t)
		problems, err := testutil.GatherAndLint(b.registry)
		require.NoError(t, err)
		assert.Empty(t, problems)
		for _, settlement := range []string{"acked", "retried", "buried", "released"} {
			assert.Zero(t, b.metric(t, "worker_settlements_total", settlement), "exported from the start")
		}
	})
}
