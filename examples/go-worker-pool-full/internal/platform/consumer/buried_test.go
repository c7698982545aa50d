package consumer_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestWhatTheSourceBuriesIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := start(t, stuck, options())
		for _, err := range []error{nil, errBroken, nil} {
			b.CountBuried(err)
		}
		b.stop(t)
		assert.InDelta(t, 2, b.metric(t, "worker_settlements_total", "buried"), 0)
		assert.InDelta(t, 1, b.metric(t, "worker_settlement_failures_total"), 0)
	})
}
