package source

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
)

func TestLagMetric(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the service stops, and is scraped until the end
	lag := NewLag(ctx, func(ctx context.Context) (int64, error) { return 42, ctx.Err() })
	assert.InDelta(t, 42, testutil.ToFloat64(lag), 0)
	assert.Equal(t, 1, testutil.CollectAndCount(lag, "worker_source_lag_messages"))

	lag = NewLag(t.Context(), func(context.Context) (int64, error) { return 42, errors.New("not connected") })
	assert.True(t, math.IsNaN(testutil.ToFloat64(lag)), "an unknown lag is not a number, least of all 0")
}

func TestLagMetricWaitsOnlyShortly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		lag := NewLag(t.Context(), func(ctx context.Context) (int64, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		assert.True(t, math.IsNaN(testutil.ToFloat64(lag)))
		assert.Equal(t, lagTimeout, time.Since(start))
	})
}
