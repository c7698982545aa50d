package httpserver_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"[[ module ]]/internal/platform/httpserver"
)

// sink is a response, and a log, that costs nothing.
type sink struct{ header http.Header }

func (s sink) Header() http.Header { return s.header }

func (sink) Write(body []byte) (int, error) { return len(body), nil }

func (sink) WriteHeader(int) {}

func serveOrder(w http.ResponseWriter, _ *http.Request) error {
	return httpserver.WriteJSON(w, http.StatusOK, order{Name: "a", Count: 2})
}

// BenchmarkChain compares a handler behind the whole chain with the same handler alone.
func BenchmarkChain(b *testing.B) {
	bare := http.NewServeMux()
	bare.HandleFunc("GET /v1/orders/{id}", func(w http.ResponseWriter, r *http.Request) { _ = serveOrder(w, r) })
	chain := httpserver.NewRouter(httpserver.Options{
		Logger:         slog.New(slog.NewJSONHandler(sink{}, nil)),
		RequestTimeout: 5 * time.Second,
		MaxBodyBytes:   1 << 20,
		MaxInFlight:    1000,
		AllowedOrigins: []string{"https://app.example.com"},
	})
	chain.Handle("GET /v1/orders/{id}", serveOrder)
	for name, handler := range map[string]http.Handler{"bare": bare, "chain": chain} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/orders/1", http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(sink{http.Header{}}, r)
			}
		})
	}
}
