package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Collector returns the statistics of the pool as metrics.
func (db *DB) Collector() prometheus.Collector {
	gauge := func(name, help string, read func(*pgxpool.Stat) float64) statistic {
		return statistic{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, read}
	}
	counter := func(name, help string, read func(*pgxpool.Stat) float64) statistic {
		return statistic{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, read}
	}
	return &collector{pool: db.pool, statistics: []statistic{
		gauge("pgxpool_max_conns", "Size of the pool.",
			func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		gauge("pgxpool_total_conns", "Connections that are open or being opened.",
			func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		gauge("pgxpool_acquired_conns", "Connections in use.",
			func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		gauge("pgxpool_idle_conns", "Connections that wait for use.",
			func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) }),
		counter("pgxpool_acquires_total", "Connections given out.",
			func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }),
		counter("pgxpool_empty_acquires_total", "Connections given out after waiting, because none was idle.",
			func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
		counter("pgxpool_canceled_acquires_total", "Calls that gave up waiting for a connection.",
			func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }),
		counter("pgxpool_acquire_wait_seconds_total", "Time spent waiting because no connection was idle.",
			func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() }),
	}}
}

type collector struct {
	pool       *pgxpool.Pool
	statistics []statistic
}

type statistic struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*pgxpool.Stat) float64
}

func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, s := range c.statistics {
		descs <- s.desc
	}
}

func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	now := c.pool.Stat()
	for _, s := range c.statistics {
		metrics <- prometheus.MustNewConstMetric(s.desc, s.kind, s.read(now))
	}
}
