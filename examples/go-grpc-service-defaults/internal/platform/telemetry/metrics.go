package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry returns a registry with the metrics of the Go runtime and of the process.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}

// NewReadiness returns the readiness as a metric, for the alert that probes do not give: they only take the load away.
func NewReadiness(ctx context.Context, ready func(ctx context.Context) error) prometheus.Collector {
	ctx = context.WithoutCancel(ctx) // it is asked until the end
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "service_ready",
		Help: "1 if the service is ready, else 0.",
	}, func() float64 {
		if ready(ctx) != nil {
			return 0
		}
		return 1
	})
}
