package grpcserver

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

type metrics struct {
	handled  *prometheus.CounterVec
	handling *prometheus.HistogramVec
	active   *prometheus.GaugeVec
	panics   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, maxInFlight int) *metrics {
	m := &metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grpc_server_handled_total",
			Help: "Calls that have ended.",
		}, []string{"grpc_service", "grpc_method", "grpc_type", "grpc_code"}),
		handling: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "grpc_server_handling_seconds",
			Help:                            "Time from the start of a call to its end.",
			Buckets:                         []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"grpc_service", "grpc_method", "grpc_type"}),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "grpc_server_active_calls",
			Help: "Calls that have begun and not ended.",
		}, []string{"grpc_service", "grpc_type"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "panics_total",
			Help: "Panics that were recovered.",
		}),
	}
	registerer.MustRegister(m.handled, m.handling, m.active, m.panics)
	if maxInFlight > 0 {
		limit := prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "grpc_server_active_calls_limit",
			Help: "Unary calls at a time, and streams at a time, over which more are refused.",
		})
		limit.Set(float64(maxInFlight))
		registerer.MustRegister(limit)
	}
	return m
}

// method is a method as its calls are counted and logged.
type method struct {
	name     string
	quiet    bool                                          // of interest only while somebody looks
	handled  [codes.Unauthenticated + 1]prometheus.Counter // by code
	handling prometheus.Observer
	active   prometheus.Gauge
}

// method makes the time series of a method at once, so that its first failure is an increase and not the start of a series. There are no others: no
// client can make time series.
func (m *metrics) method(service, name, kind string) *method {
	made := &method{
		name:     "/" + service + "/" + name,
		quiet:    strings.HasPrefix(service, "grpc."), // health and reflection
		handling: m.handling.WithLabelValues(service, name, kind),
		active:   m.active.WithLabelValues(service, kind),
	}
	for code := range made.handled {
		made.handled[code] = m.handled.WithLabelValues(service, name, kind, codes.Code(code).String())
	}
	return made
}

func (m *method) observe(code codes.Code, took time.Duration) {
	if int(code) >= len(m.handled) {
		code = codes.Unknown
	}
	m.handled[code].Inc()
	m.handling.Observe(took.Seconds())
}

// The types of methods that are told apart also elsewhere.
const (
	unaryCall        = "unary"
	serverStreamCall = "server_stream"
)

func typeOf(desc grpc.StreamDesc) string {
	switch {
	case desc.ClientStreams && desc.ServerStreams:
		return "bidi_stream"
	case desc.ClientStreams:
		return "client_stream"
	default:
		return serverStreamCall
	}
}
