package source

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/user-service/internal/platform/source/sourcetest"
)

// What every broker promises. The test file of a broker says how its tests look at it without the source:
//
//	deadLetters(t, url, name) []deadLetter  what is buried
//	left(t, url, name) int                  how many messages are not settled for good: waiting, delivered, or waiting for a retry
//	publishBare(t, url, name, body)         a message of a producer that knows nothing of this package
//	urlOf(address) string                   the URL of a broker there, with the password hunter2 if it can have one
//	attemptAfterRelease                     which attempt follows the release of the first

// hang is how long a test waits for what has to come.
const hang = 30 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// deadLetter is a buried message as an operator finds it.
type deadLetter struct {
	Key, Body, Reason string
	Header            map[string]string
}

func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{
		URL: sourcetest.URL(t), Name: sourcetest.Name(), Prefetch: 4, MaxAttempts: 3,
		Hold: 10 * time.Minute, StartTimeout: hang, // so long that nothing comes again by itself
	}
}

func open(t *testing.T, cfg Config) *Source {
	t.Helper()
	s, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

func publish(t *testing.T, cfg Config, messages ...Outgoing) {
	t.Helper()
	p, err := OpenProducer(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for _, message := range messages {
		require.NoError(t, p.Publish(t.Context(), message))
	}
	require.NoError(t, p.Close(t.Context()))
}

// numbered returns messages of which each says how many came before it.
func numbered(count int) []Outgoing {
	messages := make([]Outgoing, count)
	for i := range messages {
		messages[i] = Outgoing{Key: fmt.Sprintf("key-%d", i), Body: fmt.Appendf(nil, "body %d", i)}
	}
	return messages
}

// intake is a source that runs.
type intake struct {
	messages chan Message
	cancel   context.CancelFunc
	done     chan error
}

// run starts a source, which ends with the test or by stop.
func run(t *testing.T, s *Source) *intake {
	t.Helper()
	in := &intake{messages: make(chan Message), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	in.cancel = cancel
	go func() {
		defer close(in.done)
		in.done <- s.Run(ctx, func(ctx context.Context, message Message) error {
			select {
			case in.messages <- message:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() { in.stop(t) })
	return in
}

func (in *intake) next(t *testing.T) Message {
	t.Helper()
	select {
	case message := <-in.messages:
		return message
	case err := <-in.done:
		t.Fatalf("the source has ended: %v", err)
	case <-time.After(hang):
		t.Fatal("no message came")
	}
	return Message{}
}

func (in *intake) stop(t *testing.T) {
	t.Helper()
	in.cancel()
	select {
	case err := <-in.done:
		require.NoError(t, err)
	case <-time.After(hang):
		t.Fatal("the source does not end")
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	for _, sent := range []Outgoing{
		{Key: "plain", Body: []byte("work"), Header: map[string]string{
			"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Mixed-Case": "a, b; c=\"d\"",
		}},
		{Key: "binary", Body: []byte{0, 0xff, '\r', '\n', 0xfe}},
		{Key: "0191-ünï", Body: []byte{}},
		{Key: "large", Body: bytes.Repeat([]byte("x"), 512<<10)},
	} {
		publish(t, cfg, sent)
		got := in.next(t)
		assert.Equal(t, sent.Key, got.Key)
		assert.True(t, bytes.Equal(sent.Body, got.Body), "the body of %s", sent.Key)
		assert.Len(t, got.Header, len(sent.Header))
		assert.Subset(t, got.Header, sent.Header)
		assert.Equal(t, 1, got.Attempt)
		require.NoError(t, got.Ack(t.Context()))
	}
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
	assert.Empty(t, deadLetters(t, cfg.URL, cfg.Name))
}

func TestMessageOfAnotherProducerHasAKey(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	publishBare(t, cfg.URL, cfg.Name, "first")
	publishBare(t, cfg.URL, cfg.Name, "second")
	first, second := in.next(t), in.next(t)
	assert.NotEmpty(t, first.Key)
	assert.NotEmpty(t, second.Key)
	assert.NotEqual(t, first.Key, second.Key)
	require.NoError(t, second.Ack(t.Context()))

	require.NoError(t, first.Retry(t.Context(), time.Millisecond))
	again := in.next(t)
	assert.Equal(t, first.Key, again.Key)
	assert.Equal(t, first.Body, again.Body)
	require.NoError(t, again.Ack(t.Context()))
}

func TestRetry(t *testing.T) {
	t.Parallel()
	const delay = 300 * time.Millisecond
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	sent := Outgoing{Key: "key", Body: []byte("work"), Header: map[string]string{"tracestate": "a=b"}}
	publish(t, cfg, sent)
	got := in.next(t)
	for attempt := 1; ; attempt++ {
		assert.Equal(t, attempt, got.Attempt)
		assert.Equal(t, sent.Key, got.Key)
		assert.Equal(t, sent.Body, got.Body)
		assert.Equal(t, sent.Header, got.Header)
		if attempt == cfg.MaxAttempts {
			break
		}
		start := time.Now()
		require.NoError(t, got.Retry(t.Context(), delay))
		got = in.next(t)
		assert.GreaterOrEqual(t, time.Since(start), delay)
	}
	require.NoError(t, got.Ack(t.Context()))
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestMessageThatWaitsForItsRetryHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Prefetch = 1
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(3)...)
	waiting := make([]string, 2)
	for i := range waiting {
		message := in.next(t)
		waiting[i] = message.Key
		require.NoError(t, message.Retry(t.Context(), time.Hour))
	}
	got := in.next(t)
	assert.NotContains(t, waiting, got.Key)
	require.NoError(t, got.Ack(t.Context()))
	assert.Eventually(t, func() bool { return left(t, cfg.URL, cfg.Name) == 2 }, hang, 10*time.Millisecond)
}

func TestBury(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	sent := Outgoing{Key: "key", Body: []byte("poison"), Header: map[string]string{"tracestate": "a=b"}}
	publish(t, cfg, sent)
	require.NoError(t, in.next(t).Retry(t.Context(), time.Millisecond))
	const reason = "invalid job: no\r\nwords: ünï"
	require.NoError(t, in.next(t).Bury(t.Context(), reason))

	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
	letters := deadLetters(t, cfg.URL, cfg.Name)
	require.Len(t, letters, 1)
	assert.Equal(t, sent.Key, letters[0].Key)
	assert.Equal(t, string(sent.Body), letters[0].Body)
	assert.Subset(t, letters[0].Header, sent.Header)
	assert.Equal(t, strings.Join(strings.Fields(reason), " "), strings.Join(strings.Fields(letters[0].Reason), " "))
	assert.Equal(t, letters[0].Reason, letters[0].Header["job-reason"], "under one name at every broker")
	assert.Equal(t, "2", letters[0].Header["job-attempt"])
}

func TestBuryShortensReason(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(1)...)
	require.NoError(t, in.next(t).Bury(t.Context(), strings.Repeat("ü", 1<<20)+"x"))
	letters := deadLetters(t, cfg.URL, cfg.Name)
	require.Len(t, letters, 1)
	assert.Equal(t, strings.Repeat("ü", maxReason/2), letters[0].Reason)
}

func TestRelease(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	publish(t, cfg, Outgoing{Key: "key", Body: []byte("work")})
	require.NoError(t, in.next(t).Release(t.Context()))

	again := in.next(t)
	assert.Equal(t, "key", again.Key)
	assert.Equal(t, "work", string(again.Body))
	assert.Equal(t, attemptAfterRelease, again.Attempt)
	require.NoError(t, again.Ack(t.Context()))
}

func TestPrefetchBoundsWhatIsUnsettled(t *testing.T) {
	t.Parallel()
	const total = 40
	cfg := testConfig(t)
	s := open(t, cfg)
	publish(t, cfg, numbered(total)...)

	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	var held []Message
	came, most := 0, 0
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(_ context.Context, message Message) error {
			mu.Lock()
			defer mu.Unlock()
			held = append(held, message)
			came, most = came+1, max(most, len(held))
			changed.Signal()
			return nil
		})
	}()
	for range total {
		mu.Lock()
		for len(held) < cfg.Prefetch && came < total {
			changed.Wait()
		}
		message := held[0]
		held = held[1:]
		mu.Unlock()
		require.NoError(t, message.Ack(t.Context()))
	}
	cancel()
	require.NoError(t, <-done)
	assert.Equal(t, cfg.Prefetch, most)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestMessageThatNobodyTakesIsReleased(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	publish(t, cfg, numbered(3)...)
	for name, submit := range map[string]func(context.Context, context.CancelFunc) error{
		"submit fails": func(context.Context, context.CancelFunc) error { return assert.AnError },
		"ctx ends": func(ctx context.Context, cancel context.CancelFunc) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		s := open(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Run(ctx, func(ctx context.Context, _ Message) error { return submit(ctx, cancel) })
		cancel()
		if name == "submit fails" {
			require.ErrorIs(t, err, assert.AnError)
		} else {
			require.NoError(t, err)
		}
		require.NoError(t, s.Close(t.Context()))
	}

	s := open(t, cfg)
	in := run(t, s)
	keys := make(map[string]bool)
	for range 3 {
		got := in.next(t)
		keys[got.Key] = true
		require.NoError(t, got.Ack(t.Context()))
	}
	assert.Equal(t, map[string]bool{"key-0": true, "key-1": true, "key-2": true}, keys)
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestSettlingGoesOnAfterRun(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	publish(t, cfg, numbered(4)...)
	taken := make([]Message, 4)
	for i := range taken {
		taken[i] = in.next(t)
	}
	in.stop(t)
	require.NoError(t, taken[0].Ack(t.Context()))
	require.NoError(t, taken[1].Retry(t.Context(), time.Millisecond))
	require.NoError(t, taken[2].Bury(t.Context(), "no use"))
	require.NoError(t, taken[3].Release(t.Context()))
	require.NoError(t, s.Close(t.Context()))

	assert.Len(t, deadLetters(t, cfg.URL, cfg.Name), 1)
	assert.Equal(t, 2, left(t, cfg.URL, cfg.Name))
	next := open(t, cfg)
	in = run(t, next)
	attempts := make(map[string]int)
	for range 2 {
		got := in.next(t)
		attempts[got.Key] = got.Attempt
		require.NoError(t, got.Ack(t.Context()))
	}
	assert.Equal(t, map[string]int{taken[1].Key: 2, taken[3].Key: attemptAfterRelease}, attempts)
}

func TestLag(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Prefetch = 2
	s := open(t, cfg)
	lag := func(want int64) {
		t.Helper()
		assert.EventuallyWithT(t, func(c *assert.CollectT) {
			got, err := s.Lag(t.Context())
			require.NoError(c, err)
			assert.Equal(c, want, got)
		}, hang, 10*time.Millisecond)
	}
	lag(0)
	publish(t, cfg, numbered(5)...)
	lag(5)
	in := run(t, s)
	first, second := in.next(t), in.next(t)
	lag(3)
	require.NoError(t, first.Ack(t.Context()))
	require.NoError(t, second.Ack(t.Context()))
	for range 3 {
		require.NoError(t, in.next(t).Ack(t.Context()))
	}
	lag(0)
}

func TestReady(t *testing.T) {
	t.Parallel()
	s := open(t, testConfig(t))
	require.NoError(t, s.Ready(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, s.Ready(ended))
	require.NoError(t, s.Close(t.Context()))
	require.Error(t, s.Ready(t.Context()))
	require.NoError(t, s.Close(t.Context()), "a second time")
}

func TestCloseFlushesAcknowledgements(t *testing.T) {
	t.Parallel()
	const total = 200
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	publish(t, cfg, numbered(total)...)
	for range total {
		require.NoError(t, in.next(t).Ack(t.Context()))
	}
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestPublishTakesNoMessageAfterClose(t *testing.T) {
	t.Parallel()
	p, err := OpenProducer(t.Context(), testConfig(t), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, p.Close(t.Context()))
	require.Error(t, p.Publish(t.Context(), Outgoing{Key: "key"}))
}

// listener is a server that takes connections and says nothing.
func listener(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestOpenWaitsForTheBroker(t *testing.T) {
	t.Parallel()
	refusing := listener(t)
	require.NoError(t, refusing.Close())
	for name, test := range map[string]struct{ address, want string }{
		"refused": {refusing.Addr().String(), refusing.Addr().String()}, // which broker does not answer
		"silent":  {listener(t).Addr().String(), "wait 300ms for the broker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			log := slog.New(slog.NewTextHandler(&logs, nil))
			cfg := Config{URL: urlOf(test.address), Name: "jobs", Prefetch: 1, MaxAttempts: 1, Hold: time.Second, StartTimeout: 300 * time.Millisecond}
			_, err := Open(t.Context(), cfg, log)
			require.ErrorContains(t, err, "wait 300ms for the broker")
			require.ErrorContains(t, err, test.want)
			assert.Contains(t, logs.String(), "broker does not answer")
			_, err = OpenProducer(t.Context(), cfg, log)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error()+logs.String(), "hunter2")
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := Config{URL: urlOf(listener(t).Addr().String()), Name: "jobs", Prefetch: 1, MaxAttempts: 1, Hold: time.Second, StartTimeout: time.Hour}
	_, err := Open(ctx, cfg, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, context.Canceled)
}
