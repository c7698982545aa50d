package source

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const attemptAfterRelease = 1

// inspector is a client of its own.
func inspector(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	require.NoError(t, err)
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func deadLetters(t *testing.T, url, name string) []deadLetter {
	t.Helper()
	entries, err := inspector(t, url).XRange(t.Context(), name+"-dead", "-", "+").Result()
	require.NoError(t, err)
	letters := make([]deadLetter, len(entries))
	for i, entry := range entries {
		header := make(map[string]string)
		for field, value := range entry.Values {
			header[field], _ = value.(string)
		}
		letters[i] = deadLetter{Key: header["key"], Body: header["body"], Reason: header[fieldReason], Header: header}
	}
	return letters
}

func left(t *testing.T, url, name string) int {
	t.Helper()
	length, err := inspector(t, url).XLen(t.Context(), name).Result()
	require.NoError(t, err)
	return int(length)
}

func publishBare(t *testing.T, url, name, body string) {
	t.Helper()
	require.NoError(t, inspector(t, url).XAdd(t.Context(), &redis.XAddArgs{Stream: name, Values: []string{"body", body}}).Err())
}

func urlOf(address string) string {
	return "redis://user:hunter2@" + address + "/0"
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://localhost", "redis://localhost:6379/0", "redis://user:hunter2@[::1]:6379/3?read_timeout=1s", "rediss://redis.example.com:6380",
		"unix:///run/redis.sock?db=1",
	} {
		require.NoError(t, CheckURL(url), url)
	}
	for url, want := range map[string]string{
		"":                                       "scheme",
		"localhost:6379":                         "scheme",
		"http://localhost:6379":                  "scheme",
		"redis://user:hunter2@localhost:port":    "invalid port",
		"redis://user:hunter2@localhost/jobs":    "invalid database number",
		"redis://user:hunter2@localhost/0?x=y":   "unexpected option",
		"redis://user:hunter2@local host:6379/0": "invalid character",
	} {
		err := CheckURL(url)
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

// briefHold is so short that a worker counts as ended after shortestSilence.
const briefHold = time.Millisecond

func (in *intake) noneIsThere(t *testing.T) {
	t.Helper()
	select {
	case message := <-in.messages:
		t.Fatalf("%s came again", message.Key)
	default:
	}
}

// takeAs has a consumer take all that is there, and do nothing with it.
func takeAs(t *testing.T, cfg Config, consumer string) []redis.XMessage {
	t.Helper()
	streams, err := inspector(t, cfg.URL).XReadGroup(t.Context(), &redis.XReadGroupArgs{
		Group: cfg.Name, Consumer: consumer, Streams: []string{cfg.Name, ">"}, Block: -1,
	}).Result()
	require.NoError(t, err)
	require.Len(t, streams, 1)
	return streams[0].Messages
}

func consumers(t *testing.T, cfg Config) []string {
	t.Helper()
	infos, err := inspector(t, cfg.URL).XInfoConsumers(t.Context(), cfg.Name, cfg.Name).Result()
	require.NoError(t, err)
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name
	}
	return names
}

func TestMessagesOfAWorkerThatEndedComeOnceMore(t *testing.T) {
	t.Parallel()
	const total = 50
	cfg := testConfig(t)
	cfg.Hold, cfg.Prefetch = briefHold, total
	one, another := open(t, cfg), open(t, cfg)
	publish(t, cfg, numbered(total)...)
	require.Len(t, takeAs(t, cfg, "ended"), total)

	inOne, inAnother := run(t, one), run(t, another)
	keys := make(map[string]bool)
	for range total {
		var got Message
		select {
		case got = <-inOne.messages:
		case got = <-inAnother.messages:
		case <-time.After(hang):
			t.Fatal("no message came")
		}
		assert.Equal(t, 2, got.Attempt)
		keys[got.Key] = true
		require.NoError(t, got.Ack(t.Context()))
	}
	assert.Len(t, keys, total, "each once")
	inOne.noneIsThere(t)
	inAnother.noneIsThere(t)
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestMessageIsNotTakenFromAWorkerThatLives(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Hold, cfg.Prefetch = briefHold, 1
	busy := open(t, cfg)
	publish(t, cfg, numbered(1)...)
	job := run(t, busy).next(t)

	another := open(t, cfg)
	in := run(t, another)
	client := inspector(t, cfg.URL)
	pending := func(consumer string) []redis.XPendingExt {
		found, err := client.XPendingExt(t.Context(), &redis.XPendingExtArgs{
			Stream: cfg.Name, Group: cfg.Name, Consumer: consumer, Idle: 2 * shortestSilence, Start: "-", End: "+", Count: 1,
		}).Result()
		require.NoError(t, err)
		return found
	}
	require.Eventually(t, func() bool { return len(pending(busy.consumer)) == 1 }, hang, 100*time.Millisecond, "longer than a silent one has it")
	in.noneIsThere(t)
	require.NoError(t, job.Ack(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestMessageWhoseDeliveryWasLostComesAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Hold = briefHold
	s := open(t, cfg)
	publish(t, cfg, numbered(1)...)
	require.Len(t, takeAs(t, cfg, s.consumer), 1) // as if the answer had not reached the source
	got := run(t, s).next(t)
	assert.Equal(t, 2, got.Attempt)
	require.NoError(t, got.Ack(t.Context()))
}

func TestMessageThatEndsItsWorkersIsBuried(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	publish(t, cfg, numbered(2)...)
	for i, entry := range takeAs(t, cfg, "ended") {
		deliveries := cfg.MaxAttempts - i // the first has had its last
		require.NoError(t, s.client.Do(t.Context(), "XCLAIM", cfg.Name, cfg.Name, "ended", 0, entry.ID,
			"IDLE", due.Milliseconds(), "RETRYCOUNT", deliveries, "JUSTID").Err())
	}
	require.NoError(t, s.takeFrom(t.Context(), "ended", nil))

	told := burials(s)
	in := run(t, s)
	got := in.next(t)
	assert.Equal(t, "key-1", got.Key)
	assert.Equal(t, cfg.MaxAttempts, got.Attempt)
	require.NoError(t, got.Ack(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
	letters := deadLetters(t, cfg.URL, cfg.Name)
	require.Len(t, letters, 1)
	assert.Equal(t, "key-0", letters[0].Key)
	assert.Equal(t, "delivered 3 times without an end", letters[0].Reason)
	in.stop(t)
	assert.Equal(t, []error{nil}, *told)
}

func TestStreamThatIsGoneIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	client := inspector(t, cfg.URL)
	s := open(t, cfg)
	require.NoError(t, client.Del(t.Context(), cfg.Name).Err())
	in := run(t, s)
	for range 2 {
		publish(t, cfg, numbered(1)...)
		require.NoError(t, in.next(t).Ack(t.Context()))
		require.NoError(t, client.Del(t.Context(), cfg.Name).Err())
	}
}

func TestConsumerLeavesNothingBehindButItsMessages(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	for _, ack := range []bool{true, false} {
		s := open(t, cfg)
		publish(t, cfg, numbered(1)...)
		in := run(t, s)
		got := in.next(t)
		if ack {
			require.NoError(t, got.Ack(t.Context()))
		}
		in.stop(t)
		require.NoError(t, s.Close(t.Context()))
		if ack {
			assert.Empty(t, consumers(t, cfg))
		} else {
			assert.Equal(t, []string{s.consumer}, consumers(t, cfg))
		}
	}
}

func TestConsumersThatEndedLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	for _, name := range []string{"lately", "long ago"} {
		require.NoError(t, s.client.XGroupCreateConsumer(t.Context(), cfg.Name, cfg.Name, name).Err())
	}
	require.NoError(t, s.lookAfter(t.Context(), redis.XInfoConsumer{Name: "lately", Idle: forgetAfter - time.Second}, nil))
	require.NoError(t, s.lookAfter(t.Context(), redis.XInfoConsumer{Name: "long ago", Idle: forgetAfter + time.Second}, nil))
	assert.Equal(t, []string{"lately"}, consumers(t, cfg))
}

func TestOthersGetTimeToBeHeardAfterAnOutage(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	publish(t, cfg, numbered(1)...)
	takeAs(t, cfg, "silent")
	silent := func() redis.XInfoConsumer {
		infos, err := s.client.XInfoConsumers(t.Context(), cfg.Name, cfg.Name).Result()
		require.NoError(t, err)
		i := slices.IndexFunc(infos, func(info redis.XInfoConsumer) bool { return info.Name == "silent" })
		return infos[i]
	}
	require.Eventually(t, func() bool { return silent().Idle > shortestSilence }, hang, 100*time.Millisecond)

	cfg.Hold = briefHold
	impatient := &Source{
		cfg: cfg, log: slog.New(slog.DiscardHandler), client: s.client, consumer: "impatient", heard: time.Now().Add(-shortestSilence),
	}
	require.NoError(t, impatient.tendOnce(t.Context()))
	assert.Equal(t, int64(1), silent().Pending)
	require.NoError(t, impatient.tendOnce(t.Context()))
	assert.Zero(t, silent().Pending)
}
