package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attemptAfterRelease is 2 before RabbitMQ 4.3, which counts a release as an attempt.
var attemptAfterRelease = func() int {
	conn, err := amqp.Dial(os.Getenv("TEST_RABBITMQ_URL"))
	if err != nil {
		return 0 // the tests say it better
	}
	defer func() { _ = conn.Close() }()
	version, _ := conn.Properties["version"].(string)
	parts := strings.SplitN(version, ".", 3)
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	if major > 4 || major == 4 && minor >= 3 {
		return 1
	}
	return 2
}()

func urlOf(address string) string {
	return "amqp://worker:hunter2@" + address + "/"
}

// look does something in a connection of its own, which nothing else uses.
func look(t *testing.T, address string, do func(*amqp.Connection)) {
	t.Helper()
	conn, err := amqp.Dial(address)
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	do(conn)
}

func deadLetters(t *testing.T, broker, name string) []deadLetter {
	t.Helper()
	var found []deadLetter
	look(t, broker, func(conn *amqp.Connection) {
		channel, err := conn.Channel() // its end gives everything back
		require.NoError(t, err)
		for {
			letter, ok, err := channel.Get(deadQueue(name), false)
			require.NoError(t, err)
			if !ok {
				return
			}
			header := make(map[string]string)
			for key, value := range letter.Headers {
				header[key] = fmt.Sprint(value)
			}
			found = append(found, deadLetter{Key: letter.MessageId, Body: string(letter.Body), Reason: header[reasonHeader], Header: header})
		}
	})
	return found
}

func left(t *testing.T, broker, name string) int {
	t.Helper()
	total := ready(t, broker, name)
	for longest := time.Second; longest <= longestDelay; longest *= 2 {
		total += ready(t, broker, retryQueue(name, longest))
	}
	return total
}

// ready is how many messages a queue has that are not delivered; none if it does not exist.
func ready(t *testing.T, broker, queue string) (count int) {
	t.Helper()
	look(t, broker, func(conn *amqp.Connection) {
		channel, err := conn.Channel()
		require.NoError(t, err)
		found, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
		if reason, ok := errors.AsType[*amqp.Error](err); ok && reason.Code == amqp.NotFound {
			return
		}
		require.NoError(t, err)
		count = found.Messages
	})
	return count
}

func publishBare(t *testing.T, broker, name, body string) {
	t.Helper()
	look(t, broker, func(conn *amqp.Connection) {
		channel, err := conn.Channel()
		require.NoError(t, err)
		require.NoError(t, channel.PublishWithContext(t.Context(), "", name, true, false, amqp.Publishing{Body: []byte(body)}))
		require.NoError(t, channel.Close())
	})
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"amqp://localhost":                            "",
		"amqp://user:password@localhost:5672/":        "",
		"amqps://user:p%40ss@mq.example.com/jobs":     "",
		"amqp://[::1]:5672/?heartbeat=5":              "",
		"":                                            "not a URL such as amqp://user:password@localhost:5672/",
		"localhost:5672":                              "not a URL such as amqp://user:password@localhost:5672/",
		"http://localhost:5672":                       "not a URL such as amqp://user:password@localhost:5672/",
		"amqp://user:hunter2@local host":              "not a URL such as amqp://user:password@localhost:5672/",
		"amqp://user:hunter2?@localhost":              "not a URL such as amqp://user:password@localhost:5672/",
		"amqp://user:hunter2@localhost?heartbeat=now": "not a URL such as amqp://user:password@localhost:5672/",
		"amqp:///":                                    "no host in the URL",
		"amqp://user:hunter2@:5672/":                  "no host in the URL",
		"amqp://localhost:0":                          "no port of the URL can be 0",
		"amqp://localhost:65536":                      "no port of the URL can be 65536",
	} {
		if want == "" {
			assert.NoError(t, CheckURL(text), text)
		} else {
			assert.EqualError(t, CheckURL(text), want, text)
		}
	}
}

func TestRetryQueue(t *testing.T) {
	t.Parallel()
	for delay, want := range map[time.Duration]string{
		time.Millisecond:                     "jobs-retry-1s",
		time.Second:                          "jobs-retry-1s",
		time.Second + 1:                      "jobs-retry-2s",
		2 * time.Second:                      "jobs-retry-2s",
		time.Minute:                          "jobs-retry-64s",
		longestDelay:                         "jobs-retry-4194304s",
		longestDelay/2 + time.Millisecond:    "jobs-retry-4194304s",
		longestDelay/2 - 10*time.Millisecond: "jobs-retry-2097152s",
	} {
		assert.Equal(t, want, retryQueue("jobs", delay), delay)
	}
}

// RabbitMQ ends delays only at the head of a queue.
func TestLongDelayHoldsUpNoShortOne(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(2)...)
	first, second := in.next(t), in.next(t)
	require.NoError(t, first.Retry(t.Context(), 20*hang))
	require.NoError(t, second.Retry(t.Context(), 10*time.Millisecond))
	got := in.next(t)
	assert.Equal(t, second.Key, got.Key)
	require.NoError(t, got.Ack(t.Context()))
}

func TestDelayLongerThanRabbitMQCanCount(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(1)...)
	require.NoError(t, in.next(t).Retry(t.Context(), 1<<62))
	assert.Equal(t, 1, ready(t, cfg.URL, retryQueue(cfg.Name, longestDelay)))
}

// A service that stops goes on for a while with what it has: others need not wait for the rest.
func TestWhatNobodyTakesIsGivenBackBeforeClose(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.CancelFunc) error{
		"submit fails": func(context.CancelFunc) error { return assert.AnError },
		"ctx ends":     func(cancel context.CancelFunc) error { cancel(); return context.Canceled },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			publish(t, cfg, numbered(3)...)
			ctx, cancel := context.WithCancel(t.Context())
			err := open(t, cfg).Run(ctx, func(context.Context, Message) error { return end(cancel) })
			cancel()
			if name == "submit fails" {
				require.ErrorIs(t, err, assert.AnError)
			} else {
				require.NoError(t, err)
			}
			in := run(t, open(t, cfg))
			for range 3 {
				require.NoError(t, in.next(t).Ack(t.Context()))
			}
		})
	}
}

// RabbitMQ closes the channel of a message that takes longer than half an hour, unless it was asked for more time.
func TestJobsMayTakeLong(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Hold = 24 * time.Hour
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(1)...)
	require.NoError(t, in.next(t).Ack(t.Context()))
}

// cut ends every connection of a source as a broker does that goes away.
func cut(s *Source) {
	_ = s.session.Load().conn.Close()
}

func TestRunConnectsAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	told := burials(s)
	in := run(t, s)
	publish(t, cfg, numbered(1)...)
	for attempt := 1; attempt <= cfg.MaxAttempts; attempt++ {
		lost := in.next(t)
		assert.Equal(t, attempt, lost.Attempt)
		cut(s)
		require.ErrorIs(t, lost.Ack(t.Context()), errLost)
		require.ErrorIs(t, lost.Retry(t.Context(), time.Hour), errLost)
		require.ErrorIs(t, lost.Bury(t.Context(), "no use"), errLost)
		require.ErrorIs(t, lost.Release(t.Context()), errLost)
	}

	// What ended no attempt is buried by the next source that has it.
	publish(t, cfg, Outgoing{Key: "next"})
	got := in.next(t)
	assert.Equal(t, "next", got.Key)
	require.NoError(t, got.Ack(t.Context()))
	require.NoError(t, s.Ready(t.Context()))
	letters := deadLetters(t, cfg.URL, cfg.Name)
	require.Len(t, letters, 1)
	assert.Equal(t, "key-0", letters[0].Key)
	assert.Equal(t, "delivered 3 times without an end", letters[0].Reason)
	in.stop(t)
	assert.Equal(t, []error{nil}, *told)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestNotReadyWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	s := open(t, testConfig(t))
	away := listener(t)
	require.NoError(t, away.Close())
	s.cfg.URL = urlOf(away.Addr().String())
	in := run(t, s)
	cut(s)
	require.ErrorIs(t, s.Ready(t.Context()), errLost)
	_, err := s.Lag(t.Context())
	require.ErrorIs(t, err, errLost)
	in.stop(t)
}

func TestOpenSaysWhyTheBrokerRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*url.URL)
		want   string
	}{
		"password": {func(u *url.URL) { u.User = url.UserPassword("guest", "hunter2") }, "username or password not allowed"},
		"vhost":    {func(u *url.URL) { u.Path = "/nowhere" }, "vhost nowhere not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.StartTimeout = 6 * time.Second // RabbitMQ takes 3 of them to refuse a password
			changed, err := url.Parse(cfg.URL)
			require.NoError(t, err)
			test.change(changed)
			cfg.URL = changed.String()
			_, err = Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAttemptsOfRetriesAndLostConnectionsAddUp(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	publish(t, cfg, numbered(1)...)
	require.NoError(t, in.next(t).Retry(t.Context(), time.Millisecond))
	assert.Equal(t, 2, in.next(t).Attempt)
	cut(s)
	got := in.next(t)
	assert.Equal(t, 3, got.Attempt)
	require.NoError(t, got.Ack(t.Context()))
	assert.Equal(t, 3, count(int32(3)), "as other clients count")
}

func TestQueueThatIsDeletedIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	remove := func(queue string) {
		look(t, cfg.URL, func(conn *amqp.Connection) {
			channel, err := conn.Channel()
			require.NoError(t, err)
			_, err = channel.QueueDelete(queue, false, false, false)
			require.NoError(t, err)
		})
	}
	publish(t, cfg, numbered(1)...)
	require.NoError(t, in.next(t).Retry(t.Context(), time.Millisecond))
	retried := in.next(t)
	remove(retryQueue(cfg.Name, time.Millisecond))
	require.ErrorContains(t, retried.Retry(t.Context(), time.Millisecond), "the queue does not exist")
	again := in.next(t)
	assert.Equal(t, "key-0", again.Key, "it is given back")
	require.NoError(t, again.Retry(t.Context(), time.Millisecond))

	before := s.session.Load()
	remove(cfg.Name)
	require.Eventually(t, func() bool { return s.session.Load() != before }, hang, time.Millisecond)
	publish(t, cfg, Outgoing{Key: "later"})
	got := in.next(t)
	assert.Equal(t, "later", got.Key)
	require.NoError(t, got.Ack(t.Context()))
}

func TestProducerConnectsAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	p, err := OpenProducer(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, p.Publish(t.Context(), Outgoing{Key: "first"}))
	require.NoError(t, p.session.conn.Close())
	require.NoError(t, p.Publish(t.Context(), Outgoing{Key: "second"}))
	require.NoError(t, p.Close(t.Context()))
	assert.Equal(t, 2, left(t, cfg.URL, cfg.Name))
}

func TestPublishSaysThatNoQueueTakesTheMessage(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	err := s.session.Load().publish(t.Context(), "test-nowhere", amqp.Publishing{MessageId: "key"})
	require.EqualError(t, err, "publish to test-nowhere: the queue does not exist")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.session.Load().publish(ended, cfg.Name, amqp.Publishing{}), context.Canceled)
}

func TestPublishWaitsWhileTheQueueRefuses(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	current := open(t, cfg).session.Load()
	full := cfg.Name + "-full"
	args := endlessQueue()
	args[amqp.QueueOverflowArg], args["x-max-length"] = amqp.QueueOverflowRejectPublish, 1
	require.NoError(t, current.declare(full, args))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return errors.Is(current.publish(ctx, full, amqp.Publishing{}), errRefused)
	}, hang, time.Millisecond)

	sent := make(chan error, 1)
	go func() { sent <- current.publish(t.Context(), full, amqp.Publishing{MessageId: "key"}) }()
	require.NoError(t, current.ask(func(channel *amqp.Channel) error {
		_, err := channel.QueuePurge(full, false)
		return err
	}))
	require.NoError(t, <-sent)
}

// What the producer sent beside the body survives a retry, and what the broker added does not.
func TestRetryKeepsProperties(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	sent := amqp.Publishing{
		MessageId: "key", ContentType: "application/json", ContentEncoding: "gzip", CorrelationId: "1", ReplyTo: "answers",
		Timestamp: time.Unix(1700000000, 0), Type: "words", AppId: "test", Body: []byte("{}"),
		Headers: amqp.Table{"x-tenant": "one", "size": int32(7), "nested": amqp.Table{"a": "b"}},
	}
	look(t, cfg.URL, func(conn *amqp.Connection) {
		channel, err := conn.Channel()
		require.NoError(t, err)
		require.NoError(t, channel.PublishWithContext(t.Context(), "", cfg.Name, true, false, sent))
		require.NoError(t, channel.Close())
	})
	require.NoError(t, in.next(t).Retry(t.Context(), time.Millisecond))
	got, ok := in.next(t).Delivery.(delivery)
	require.True(t, ok)
	sent.Headers[attemptHeader] = int64(2)
	sent.DeliveryMode = amqp.Persistent
	assert.Equal(t, sent, got.copy())
	require.NoError(t, got.Ack(t.Context()))
}

func TestDeadLetterThatIsPutBackBeginsAnew(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	look(t, cfg.URL, func(conn *amqp.Connection) {
		channel, err := conn.Channel()
		require.NoError(t, err)
		require.NoError(t, channel.PublishWithContext(t.Context(), "", cfg.Name, true, false, amqp.Publishing{
			Headers: amqp.Table{reasonHeader: "no use", attemptHeader: int64(9), "x-delivery-count": int64(7), "tenant": "one"},
		}))
		require.NoError(t, channel.Close())
	})
	for attempt := 1; attempt <= cfg.MaxAttempts; attempt++ {
		got := in.next(t)
		assert.Equal(t, attempt, got.Attempt)
		assert.Equal(t, map[string]string{"tenant": "one"}, got.Header)
		require.NoError(t, got.Retry(t.Context(), time.Millisecond))
	}
}
