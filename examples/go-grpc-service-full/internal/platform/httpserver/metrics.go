package httpserver

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	duration *prometheus.HistogramVec
	active   prometheus.Gauge
	panics   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, maxInFlight int) *metrics {
	m := &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "http_server_request_duration_seconds",
			Help:                            "Time to answer a request.",
			Buckets:                         []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"http_request_method", "http_route", "http_response_status_code"}),
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_active_requests",
			Help: "Requests that are being answered.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "panics_total",
			Help: "Panics that were recovered.",
		}),
	}
	registerer.MustRegister(m.duration, m.active)
	m.panics = registered(registerer, m.panics)
	if maxInFlight > 0 {
		limit := prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_active_requests_limit",
			Help: "Requests at a time over which more are refused.",
		})
		limit.Set(float64(maxInFlight))
		registerer.MustRegister(limit)
	}
	return m
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.duration.WithLabelValues(knownMethod(method), route, strconv.Itoa(status)).Observe(took.Seconds())
}

// knownMethod keeps clients from making time series.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	default:
		return "_OTHER"
	}
}

// routeOf is the path of the pattern that a request matched, or "unmatched".
func routeOf(pattern string) string {
	if pattern == unmatched || pattern == "" {
		return "unmatched"
	}
	_, path, found := strings.Cut(pattern, " ")
	if !found {
		return pattern
	}
	return path
}
