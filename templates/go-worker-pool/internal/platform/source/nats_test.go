package source

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attemptAfterRelease is 2: NATS counts every delivery.
const attemptAfterRelease = 2

func urlOf(address string) string {
	return (&url.URL{Scheme: "nats", User: url.UserPassword("user", "hunter2"), Host: address}).String()
}

func jetStream(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}

func streamInfo(t *testing.T, url, name string) *jetstream.StreamInfo {
	t.Helper()
	stream, err := jetStream(t, url).Stream(t.Context(), name)
	require.NoError(t, err)
	return stream.CachedInfo()
}

func left(t *testing.T, url, name string) int {
	t.Helper()
	return int(streamInfo(t, url, name).State.Msgs)
}

func publishBare(t *testing.T, url, name, body string) {
	t.Helper()
	_, err := jetStream(t, url).Publish(t.Context(), name, []byte(body))
	require.NoError(t, err)
}

func deadLetters(t *testing.T, url, name string) []deadLetter {
	t.Helper()
	stream, err := jetStream(t, url).Stream(t.Context(), name+"-dead")
	require.NoError(t, err)
	var letters []deadLetter
	state := stream.CachedInfo().State
	for sequence := max(state.FirstSeq, 1); sequence <= state.LastSeq; sequence++ {
		msg, err := stream.GetMsg(t.Context(), sequence)
		require.NoError(t, err)
		header := make(map[string]string)
		for name := range msg.Header {
			header[name] = msg.Header.Get(name)
		}
		letters = append(letters, deadLetter{
			Key: header[keyHeader], Body: string(msg.Data), Reason: header[reasonHeader], Header: header,
		})
	}
	return letters
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"nats://localhost:4222", "nats://localhost", "tls://user:password@nats.example.com:4222", "nats://token@[::1]:4222", "wss://nats.example.com/path",
		"nats://one:4222,nats://two:4222", "nats://one:4222, nats://two:4222",
	} {
		require.NoError(t, CheckURL(good), good)
	}
	for _, bad := range []string{
		"", "localhost:4222", "http://localhost:4222", "nats://", "nats://:4222", "nats://user:hunter2@localhost:port", "nats://one:4222,", "nats://one:4222,two",
	} {
		err := CheckURL(bad)
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOpenRefusesAWrongURL(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Config{URL: "nats://user:hunter2@localhost:port", StartTimeout: hang}, slog.New(slog.DiscardHandler))
	require.EqualError(t, err, "not the URL of a NATS server")
}

func TestOpenLeavesStreamsAsTheyAre(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	own := jetstream.StreamConfig{Name: cfg.Name, Subjects: []string{cfg.Name, cfg.Name + ".more"}, MaxMsgs: 1000, Description: "mine"}
	_, err := jetStream(t, cfg.URL).CreateStream(t.Context(), own)
	require.NoError(t, err)
	open(t, cfg)
	kept := streamInfo(t, cfg.URL, cfg.Name).Config
	assert.Equal(t, own.Subjects, kept.Subjects)
	assert.Equal(t, own.MaxMsgs, kept.MaxMsgs)
	assert.Equal(t, own.Description, kept.Description)
}

func TestPublishDropsASecondMessageWithTheSameKey(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	publish(t, cfg, Outgoing{Key: "key", Body: []byte("first")}, Outgoing{Key: "key", Body: []byte("second")}, Outgoing{}, Outgoing{})
	assert.Equal(t, 3, left(t, cfg.URL, cfg.Name), "messages without a key are all different")
}

func TestDeadLettersAreOfMessagesNotOfKeys(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	_, err := jetStream(t, cfg.URL).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: cfg.Name, Subjects: []string{cfg.Name}, Retention: jetstream.WorkQueuePolicy, Duplicates: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	s := open(t, cfg)
	in := run(t, s)
	for range 2 {
		require.Eventually(t, func() bool {
			publish(t, cfg, Outgoing{Key: "key"})
			return left(t, cfg.URL, cfg.Name) == 1
		}, hang, 50*time.Millisecond, "the key may be used again")
		got := in.next(t)
		_, err := s.js.PublishMsg(t.Context(), got.Delivery.(*delivery).deadLetter("its worker died before the message ended"))
		require.NoError(t, err)
		require.NoError(t, got.Bury(t.Context(), "no use"))
	}
	assert.Len(t, deadLetters(t, cfg.URL, cfg.Name), 2)
}

func TestDeadLetterThatIsTooLargeForTheServerIsItsBody(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	in := run(t, s)
	body := strings.Repeat("x", int(s.conn.MaxPayload()))
	publishBare(t, cfg.URL, cfg.Name, body)
	require.NoError(t, in.next(t).Bury(t.Context(), "no use"))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
	letters := deadLetters(t, cfg.URL, cfg.Name)
	require.Len(t, letters, 1)
	assert.Empty(t, letters[0].Header)
	assert.Len(t, letters[0].Body, len(body))
}

func TestDeadLetterThatIsTooLargeForItsStreamIsItsBodyOrComesAgain(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	_, err := jetStream(t, cfg.URL).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: cfg.Name + deadSuffix, Subjects: []string{cfg.Name + deadSuffix}, MaxMsgSize: 10,
	})
	require.NoError(t, err)
	var logs bytes.Buffer
	s, err := Open(t.Context(), cfg, slog.New(slog.NewTextHandler(&logs, nil)))
	require.NoError(t, err)
	in := run(t, s)
	publish(t, cfg, Outgoing{Key: "small", Body: []byte("1234567890")}, Outgoing{Key: "large", Body: []byte("12345678901")})
	require.NoError(t, in.next(t).Bury(t.Context(), "no use"))
	require.ErrorIs(t, in.next(t).Bury(t.Context(), "no use"), jetstream.ErrStreamMessageExceedsMaximum)
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	assert.Equal(t, 1, left(t, cfg.URL, cfg.Name), "what cannot be kept is not taken away")
	assert.Equal(t, []deadLetter{{Body: "1234567890", Header: map[string]string{}}}, deadLetters(t, cfg.URL, cfg.Name))
	assert.Contains(t, logs.String(), `level=ERROR msg="dead letter without headers" key=small reason="no use"`)
}

func TestReplicasShareTheMessages(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Prefetch = 2
	first, second := run(t, open(t, cfg)), run(t, open(t, cfg))
	publish(t, cfg, numbered(4)...)
	for _, in := range []*intake{first, second} {
		for range cfg.Prefetch {
			in.next(t) // and keep it: the other two are for the other
		}
	}
}

func TestLittleRoomIsEnough(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Prefetch = 16
	in := run(t, open(t, cfg))
	publish(t, cfg, numbered(cfg.Prefetch+1)...)
	first := in.next(t)
	for range cfg.Prefetch - 1 {
		in.next(t)
	}
	require.NoError(t, first.Ack(t.Context()))
	in.next(t)
}

func TestMessageThatIsNeverSettledComesAgainAndIsBuried(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.MaxAttempts = 1
	cfg.Hold = shortestAckWait
	s := open(t, cfg)
	told := burials(s)
	in := run(t, s)
	publish(t, cfg, numbered(1)...)
	in.next(t)
	start := time.Now()
	var letters []deadLetter
	require.Eventually(t, func() bool {
		letters = deadLetters(t, cfg.URL, cfg.Name)
		return len(letters) > 0
	}, hang, 50*time.Millisecond)
	assert.Greater(t, time.Since(start), s.ackWait()*3/2, "while it was held, the broker waited")
	assert.Equal(t, "key-0", letters[0].Key)
	assert.Equal(t, "delivered 1 times without an end", letters[0].Reason)
	in.stop(t)
	assert.Equal(t, []error{nil}, *told)
	require.NoError(t, s.Close(t.Context()))
	assert.Zero(t, left(t, cfg.URL, cfg.Name))
	assert.Len(t, s.held, 1, "the first delivery, of which nobody has said what became of it, and not the second")
}

func TestRunMakesAgainWhatIsMissing(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	in := run(t, open(t, cfg))
	js := jetStream(t, cfg.URL)
	for _, remove := range []func() error{
		func() error { return js.DeleteConsumer(t.Context(), cfg.Name, cfg.Name) },
		func() error { return js.DeleteStream(t.Context(), cfg.Name) },
	} {
		publish(t, cfg, Outgoing{})
		require.NoError(t, in.next(t).Ack(t.Context()))
		require.NoError(t, remove())
	}
	publish(t, cfg, Outgoing{})
	require.NoError(t, in.next(t).Ack(t.Context()))
}

func TestRunEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	s := open(t, testConfig(t))
	require.NoError(t, s.Close(t.Context()))
	err := s.Run(t.Context(), func(context.Context, Message) error { return nil })
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}
