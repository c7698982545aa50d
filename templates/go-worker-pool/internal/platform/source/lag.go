package source

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagTimeout bounds what a broker that does not answer costs a scrape.
const lagTimeout = time.Second

// NewLag returns the number of messages that wait at the broker as a metric; NaN while the broker does not say.
func NewLag(ctx context.Context, lag func(ctx context.Context) (int64, error)) prometheus.Collector {
	ctx = context.WithoutCancel(ctx) // it is asked until the end
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "worker_source_lag_messages",
		Help: "Messages at the broker that were not delivered yet.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(ctx, lagTimeout)
		defer cancel()
		waiting, err := lag(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(waiting)
	})
}
