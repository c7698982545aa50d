package consumer

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/user-service/internal/pool"
)

// metrics are what the consumer and its pool tell about themselves.
type metrics struct {
	waiting   *waiting
	wait      prometheus.Histogram
	run       prometheus.Histogram
	panics    prometheus.Counter
	settled   map[string]prometheus.Counter
	unsettled atomic.Uint64
}

func newMetrics(registerer prometheus.Registerer, stats func() pool.Stats) *metrics {
	m := &metrics{
		waiting: &waiting{},
		wait:    histogram("worker_job_wait_seconds", "Time that a job waits for a worker."),
		run:     histogram("worker_job_run_seconds", "Time of one attempt to do a job."),
		panics:  prometheus.NewCounter(prometheus.CounterOpts{Name: "panics_total", Help: "Panics that were recovered."}),
		settled: make(map[string]prometheus.Counter),
	}
	settlements := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "worker_settlements_total", Help: "Messages by what the broker was told of them.",
	}, []string{"settlement"})
	for _, settlement := range []string{acked, retried, buried, released} {
		m.settled[settlement] = settlements.WithLabelValues(settlement) // so that each is exported from the start
	}
	registerer.MustRegister(m.wait, m.run, m.panics, settlements,
		gauge("worker_queue_depth", "Jobs that wait for a worker.", func() int { return stats().Queued }),
		gauge("worker_queue_capacity", "Jobs that can wait for a worker.", func() int { return stats().Capacity }),
		gauge("worker_in_flight", "Jobs that are being done.", func() int { return stats().InFlight }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "worker_oldest_queued_seconds", Help: "How long the job that waits longest has waited; 0 if none does.",
		}, func() float64 { return m.waiting.longest().Seconds() }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "worker_jobs_accepted_total", Help: "Jobs that were taken from the source.",
		}, func() float64 { return float64(stats().Accepted) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "worker_settlement_failures_total", Help: "Messages of which the broker could not be told; it delivers them again.",
		}, func() float64 { return float64(m.unsettled.Load() + stats().Undelivered) }),
		outcome("completed", func() uint64 { return stats().Completed }),
		outcome("failed", func() uint64 { return stats().Failed }),
		outcome("abandoned", func() uint64 { return stats().Abandoned }),
	)
	return m
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets:                         []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	})
}

func gauge(name, help string, value func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
}

func outcome(name string, value func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "worker_jobs_total", Help: "Attempts by how they ended.", ConstLabels: prometheus.Labels{"outcome": name},
	}, func() float64 { return float64(value()) })
}

// waiting holds the deliveries that no worker has begun, nearly in the order in which they came.
type waiting struct {
	mu    sync.Mutex
	queue list.List
}

func (w *waiting) add(d *delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.place = w.queue.PushBack(d)
}

func (w *waiting) remove(d *delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.place != nil {
		w.queue.Remove(d.place)
		d.place = nil
	}
}

// longest is how long the oldest delivery has waited.
func (w *waiting) longest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if oldest := w.queue.Front(); oldest != nil {
		d, _ := oldest.Value.(*delivery)
		return time.Since(d.since)
	}
	return 0
}
