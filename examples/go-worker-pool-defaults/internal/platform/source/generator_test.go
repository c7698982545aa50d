package source

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGenerator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		g := NewGenerator(time.Second, []byte("work"))
		var got []Message
		var after []time.Duration
		settle := []func(Message) error{
			func(m Message) error { return m.Retry(ctx, 1500*time.Millisecond) },
			func(m Message) error { return m.Ack(ctx) },
			func(m Message) error { return m.Release(ctx) },
			func(m Message) error { return m.Bury(ctx, "no use") },
			func(m Message) error { cancel(); return m.Ack(ctx) },
		}
		require.NoError(t, g.Run(ctx, func(_ context.Context, m Message) error {
			got, after = append(got, m), append(after, time.Since(start))
			return settle[len(got)-1](m)
		}))

		assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second}, after)
		keys := make(map[string]int)
		for _, m := range got {
			assert.Equal(t, "work", string(m.Body))
			keys[m.Key]++
		}
		assert.Equal(t, []string{got[0].Key, got[2].Key}, []string{got[2].Key, got[3].Key}, "the first is tried again, then released")
		assert.Equal(t, []int{1, 1, 2, 2, 1}, []int{got[0].Attempt, got[1].Attempt, got[2].Attempt, got[3].Attempt, got[4].Attempt})
		assert.Len(t, keys, 3)
	})
}

func TestGeneratorEndsWhenNobodyTakesItsMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGenerator(time.Second, nil)
		err := g.Run(t.Context(), func(context.Context, Message) error { return assert.AnError })
		require.ErrorIs(t, err, assert.AnError)
	})
}
