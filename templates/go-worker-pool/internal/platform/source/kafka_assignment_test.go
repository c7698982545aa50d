package source

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// model is what a test knows of one partition from its assignment to its end.
type model struct {
	offsets []int64
	settled map[int64]bool
	marked  int64
	gone    bool
}

// TestNoOffsetIsMarkedBeforeAllBeforeItAreSettled fetches, takes, puts back and settles at random, while partitions come and go.
func TestNoOffsetIsMarkedBeforeAllBeforeItAreSettled(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			const partitions = 3
			current := make([]*model, partitions)
			a := newAssignment(func(offsets map[string]map[int32]kgo.EpochOffset) {
				for id, mark := range offsets["jobs"] {
					m := current[id]
					require.False(t, m.gone, "marked in a partition that is gone")
					require.Greater(t, mark.Offset, m.marked)
					m.marked = mark.Offset
					for _, offset := range m.offsets {
						require.True(t, offset >= mark.Offset || m.settled[offset], "marked %d, and %d is not settled", mark.Offset, offset)
					}
				}
			})
			models := make(map[*delivery]*model)
			var taken []*delivery
			now := time.Now()
			settle := func(i int) {
				d := taken[i]
				taken = append(taken[:i], taken[i+1:]...)
				m := models[d]
				if !m.gone {
					m.settled[d.record.Offset] = true
				}
				err := a.settle(d)
				require.Equal(t, m.gone, err != nil)
			}
			for range 400 {
				id := random.Int32N(partitions)
				which := map[string][]int32{"jobs": {id}}
				switch m := current[id]; random.IntN(20) {
				case 0:
					if m != nil {
						a.drain(which)
						if random.IntN(2) == 0 {
							m.gone = true
							a.forget(which)
							current[id] = nil
						}
					}
				case 1, 2, 3, 4, 5, 6, 7:
					if m == nil {
						current[id] = &model{settled: make(map[int64]bool)}
						a.assign(which)
						continue
					}
					last := int64(-1)
					if len(m.offsets) > 0 {
						last = m.offsets[len(m.offsets)-1]
					}
					d := &delivery{record: &kgo.Record{Topic: "jobs", Partition: id, Offset: last + 1 + random.Int64N(3)}} // some are compacted away
					if random.IntN(3) == 0 {
						d.due = now.Add(time.Duration(random.IntN(100)))
					}
					m.offsets = append(m.offsets, d.record.Offset)
					models[d] = m
					a.add("jobs", id, []*delivery{d})
				case 8, 9, 10, 11, 12:
					if d := a.take(now.Add(time.Duration(random.IntN(100)))); d != nil {
						require.False(t, models[d].gone, "delivered from a partition that is gone")
						require.NotContains(t, taken, d)
						taken = append(taken, d)
					}
				case 13:
					if len(taken) > 0 {
						i := random.IntN(len(taken))
						a.putBack(taken[i], now)
						taken = append(taken[:i], taken[i+1:]...)
					}
				default:
					if len(taken) > 0 {
						settle(random.IntN(len(taken)))
					}
				}
			}

			for d := a.take(now.Add(time.Hour)); d != nil; d = a.take(now.Add(time.Hour)) {
				taken = append(taken, d)
			}
			for len(taken) > 0 {
				settle(0)
			}
			for id, m := range current {
				if m == nil || len(m.offsets) == 0 || a.partitions["jobs"][int32(id)].idle != nil {
					continue // what a partition did not deliver before it goes, the next owner gets
				}
				assert.Equal(t, m.offsets[len(m.offsets)-1]+1, m.marked, "all is settled")
			}
		})
	}
}

func TestDrainWaitsForWhatWasDelivered(t *testing.T) {
	t.Parallel()
	a := newAssignment(func(map[string]map[int32]kgo.EpochOffset) {})
	which := map[string][]int32{"jobs": {0}}
	a.assign(which)
	for offset := range int64(3) {
		a.add("jobs", 0, []*delivery{{record: &kgo.Record{Topic: "jobs", Offset: offset}}})
	}
	first, second := a.take(time.Now()), a.take(time.Now())
	idle := a.drain(which)
	require.Len(t, idle, 1)
	assert.Nil(t, a.take(time.Now()), "nothing more is delivered")

	isIdle := func() bool {
		select {
		case <-idle[0]:
			return true
		default:
			return false
		}
	}
	require.NoError(t, a.settle(first))
	assert.False(t, isIdle())
	a.putBack(second, time.Now())
	assert.True(t, isIdle())
	assert.Nil(t, a.take(time.Now().Add(time.Hour)))
}
