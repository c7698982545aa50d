package httpserver

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// registered returns the collector that is registered under the name of collector: another listener may have been the first.
func registered[C prometheus.Collector](registerer prometheus.Registerer, collector C) C {
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](registerer.Register(collector)); ok {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	return collector
}
