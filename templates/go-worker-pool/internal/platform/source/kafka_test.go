package source

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// attemptAfterRelease is 1: the attempt is in a header, which a release leaves as it is.
const attemptAfterRelease = 1

func urlOf(address string) string { return "kafka+ssl://user:hunter2@" + address }

func testClient(t *testing.T, url string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := connect(t.Context(), Config{URL: url, Name: "test"}, slog.New(slog.DiscardHandler), opts...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func left(t *testing.T, url, name string) int {
	t.Helper()
	admin := kadm.NewClient(testClient(t, url))
	ends, err := admin.ListEndOffsets(t.Context(), name, name+"-retry")
	require.NoError(t, err)
	committed, err := admin.FetchOffsets(t.Context(), name)
	require.NoError(t, err)
	count := 0
	ends.Each(func(end kadm.ListedOffset) {
		require.NoError(t, end.Err)
		offset, _ := committed.Lookup(end.Topic, end.Partition)
		count += int(end.Offset - max(offset.At, 0))
	})
	return count
}

func publishBare(t *testing.T, url, name, body string) {
	t.Helper()
	require.NoError(t, testClient(t, url).ProduceSync(t.Context(), &kgo.Record{Topic: name, Value: []byte(body)}).FirstErr())
}

func deadLetters(t *testing.T, url, name string) []deadLetter {
	t.Helper()
	topic := name + "-dead"
	client := testClient(t, url, kgo.ConsumeTopics(topic))
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	end, found := ends.Lookup(topic, 0)
	require.True(t, found)
	var letters []deadLetter
	for int64(len(letters)) < end.Offset {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			header := make(map[string]string)
			for _, h := range record.Headers {
				header[h.Key] = string(h.Value)
			}
			letters = append(letters, deadLetter{Key: header[headerKey], Body: string(record.Value), Reason: header[headerReason], Header: header})
		})
	}
	return letters
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"localhost:9092", "one:9092,two:9093, three:9094", "[::1]:9092", "kafka.example.com:1",
		"kafka://localhost:9092", "kafka+ssl://one:9093,two:9093", "kafka+ssl://user:hunter2@one:9093,[::1]:9093",
		"kafka://user:hunter2@localhost:9092", "kafka+ssl://user:hunter2@localhost:9093?sasl=scram-sha-512",
		"kafka+ssl://user:hunter2@localhost:9093?sasl=scram-sha-256", "kafka+ssl://user:hunter2@localhost:9093?sasl=plain",
		"kafka+ssl://us%3Aer:hunter2%25@localhost:9093", "kafka+ssl://user:hunter2:@/?#,@localhost:9093",
	} {
		require.NoError(t, CheckURL(good), good)
	}
	const (
		scheme     = "the URL of brokers begins with kafka:// or kafka+ssl://"
		one, two   = "address 1 of the brokers is not host:port", "address 2 of the brokers is not host:port"
		parameter  = "the only parameter of the URL of brokers is sasl, once"
		half       = "the URL of brokers has a user without a password, or a password without a user"
		encoding   = "user and password in the URL of brokers have to be percent-encoded"
		mechanisms = "sasl in the URL of brokers is plain, scram-sha-256 or scram-sha-512"
	)
	for bad, want := range map[string]string{
		"": one, "localhost": one, ":9092": one, "localhost:": one, "localhost:kafka": one, "localhost:0": one, "localhost:65536": one, "::1:9092": one,
		"one:9092,": two, "one:9092,two": two, "one:9092 two:9092": one, "one:9092,t wo:9092": two, "kafka:localhost:9092": one,
		"hunter2@localhost:9092": one, "user:hunter2@localhost:9092": one,
		"http://user:hunter2@localhost:9092": scheme, "://localhost:9092": scheme, "kafka+tls://localhost:9092": scheme,
		"kafka://": one, "kafka://user:hunter2@": one, "kafka+ssl://user:hunter2@localhost:port": one, "kafka://localhost:9092/": one,
		"kafka://user:hunter2@localhost:9092,kafka://two:9092":        two,
		"kafka+ssl://user@localhost:9093":                             half,
		"kafka+ssl://:hunter2@localhost:9093":                         half,
		"kafka+ssl://user:hunter2%@localhost:9093":                    encoding,
		"kafka+ssl://user%zz:hunter2@localhost:9093":                  encoding,
		"kafka+ssl://user:hunter2@localhost:9093?sasl=hunter2":        mechanisms,
		"kafka+ssl://user:hunter2@localhost:9093?sasl=":               mechanisms,
		"kafka+ssl://user:hunter2@localhost:9093?acks=hunter2":        parameter,
		"kafka+ssl://user:hunter2@localhost:9093?sasl=plain&acks=1":   parameter,
		"kafka+ssl://user:hunter2@localhost:9093?sasl=plain&sasl=":    parameter,
		"kafka+ssl://user:hunter2@localhost:9093?sasl=plain&%hunter2": parameter,
		"kafka+ssl://localhost:9093?sasl=plain":                       "sasl in the URL of brokers needs user:password@ before their addresses",
		"kafka://user:hunter2@localhost:9092?sasl=plain":              "sasl=plain sends the password as it is, and needs kafka+ssl://",
	} {
		require.EqualError(t, CheckURL(bad), want, bad)
	}
}

func TestOpenDoesNotTryAWrongURLAgain(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://user:hunter2@localhost:9092", "kafka+ssl://user:hunter2%@localhost:9093"} {
		cfg := Config{URL: url, Name: "jobs", Prefetch: 1, MaxAttempts: 1, Hold: time.Second, StartTimeout: hang}
		_, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
		require.EqualError(t, err, CheckURL(url).Error())
	}
}

func TestKeyOfARecordIsKeptThoughItIsNotThatOfTheMessage(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	client := testClient(t, cfg.URL)
	for range 2 {
		record := &kgo.Record{Topic: cfg.Name, Key: []byte("customer"), Headers: []kgo.RecordHeader{{Key: headerAttempt, Value: []byte("2")}}}
		require.NoError(t, client.ProduceSync(t.Context(), record).FirstErr())
	}
	first, second := in.next(t), in.next(t)
	assert.NotEqual(t, first.Key, second.Key)
	assert.Equal(t, 1, first.Attempt, "it counts in the topic of retries only")
	require.NoError(t, first.Ack(t.Context()))
	require.NoError(t, second.Retry(t.Context(), time.Millisecond))
	again := in.next(t)
	assert.Equal(t, second.Key, again.Key)
	assert.Equal(t, 2, again.Attempt)
	require.NoError(t, again.Bury(t.Context(), "no use"))

	reader := testClient(t, cfg.URL, kgo.ConsumeTopics(cfg.Name+"-dead"))
	records := reader.PollRecords(t.Context(), 1).Records()
	require.Len(t, records, 1)
	assert.Equal(t, "customer", string(records[0].Key))
}

func TestMoreRetriesThanWaitInMemory(t *testing.T) {
	t.Parallel()
	const total = 20
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	publish(t, cfg, numbered(total)...)
	attempts := make(map[string]int)
	for range 2 * total {
		got := in.next(t)
		assert.LessOrEqual(t, s.partitions.waits(), cfg.Prefetch)
		attempts[got.Key]++
		assert.Equal(t, attempts[got.Key], got.Attempt)
		if got.Attempt == 1 {
			require.NoError(t, got.Retry(t.Context(), 100*time.Millisecond))
		} else {
			require.NoError(t, got.Ack(t.Context()))
		}
	}
	assert.Len(t, attempts, total)
}

func TestMessageThatCannotBeMovedIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	client := testClient(t, cfg.URL)
	record := &kgo.Record{Topic: cfg.Name, Value: make([]byte, batchBytes-100)} // no room for a header
	require.NoError(t, client.ProduceSync(t.Context(), record).FirstErr())
	require.ErrorIs(t, in.next(t).Retry(t.Context(), time.Millisecond), kerr.MessageTooLarge)
	again := in.next(t)
	assert.Equal(t, 1, again.Attempt)
	require.NoError(t, again.Ack(t.Context()))
}

// TestRebalance has two members take over from each other while they work: each message is delivered once.
func TestRebalance(t *testing.T) {
	t.Parallel()
	const total = 600
	cfg := testConfig(t)
	first, second := open(t, cfg), open(t, cfg)
	publish(t, cfg, numbered(total)...)
	one, two := run(t, first), &intake{}
	delivered := make(map[string]int)
	byTwo := 0
	for count := range total {
		if count == total/4 {
			two = run(t, second)
		}
		var got Message
		select {
		case got = <-one.messages:
		case got = <-two.messages:
			byTwo++
		case <-time.After(hang):
			t.Fatalf("no message came after %d", count)
		}
		delivered[got.Key]++
		if byTwo > 0 && one.cancel != nil && count > total/2 {
			one.stop(t)
			require.NoError(t, got.Ack(t.Context()))
			require.NoError(t, first.Close(t.Context()))
			one = &intake{}
			continue
		}
		require.NoError(t, got.Ack(t.Context()))
	}
	assert.Len(t, delivered, total, "each once")
	assert.Positive(t, byTwo)
	two.stop(t)
	require.NoError(t, second.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
}

func TestPartitionGoesToAnotherMemberWhenItsJobsAreDone(t *testing.T) {
	t.Parallel()
	const total = 60
	cfg := testConfig(t)
	cfg.Prefetch = total
	first := open(t, cfg)
	publish(t, cfg, numbered(2 * total)[:total]...)
	one := run(t, first)
	seen := make(map[string]int)
	taken := make([]Message, total)
	for i := range taken {
		taken[i] = one.next(t)
		seen[taken[i].Key]++
	}
	two := run(t, open(t, cfg))
	require.Eventually(t, first.partitions.drains, hang, 10*time.Millisecond)
	for _, message := range taken {
		require.NoError(t, message.Ack(t.Context()))
	}

	publish(t, cfg, numbered(2 * total)[total:]...)
	byTwo := 0
	for len(seen) < 2*total {
		var got Message
		select {
		case got = <-one.messages:
		case got = <-two.messages:
			byTwo++
		case <-time.After(hang):
			t.Fatalf("%d messages came", len(seen))
		}
		seen[got.Key]++
		require.Equal(t, 1, seen[got.Key], got.Key)
		require.NoError(t, got.Ack(t.Context()))
	}
	assert.Positive(t, byTwo)
}

// drains says whether partitions are about to leave.
func (a *assignment) drains() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, partitions := range a.partitions {
		for _, p := range partitions {
			if p.idle != nil {
				return true
			}
		}
	}
	return false
}

func TestNothingIsCommittedOfAPartitionThatIsLost(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	publish(t, cfg, numbered(4)...)
	taken := []Message{in.next(t), in.next(t), in.next(t), in.next(t)}
	in.stop(t)
	ids := make([]int32, partitions)
	for id := range ids {
		ids[id] = int32(id)
	}
	s.lost(t.Context(), s.client, map[string][]int32{cfg.Name: ids})
	require.ErrorIs(t, taken[0].Ack(t.Context()), errRevoked)
	require.ErrorIs(t, taken[1].Retry(t.Context(), time.Millisecond), errRevoked)
	require.ErrorIs(t, taken[2].Bury(t.Context(), "no use"), errRevoked)
	require.ErrorIs(t, taken[3].Release(t.Context()), errRevoked)
	require.NoError(t, s.Close(t.Context()))
	assert.Equal(t, 4, left(t, cfg.URL, cfg.Name))
	assert.Empty(t, deadLetters(t, cfg.URL, cfg.Name))
}
