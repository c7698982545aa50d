package api

import (
	"net/http"

	"MODULE/internal/platform/httpserver"
)

// RegisterFaults adds routes that panic, in a handler and in a middleware, before and after the answer has begun.
func RegisterFaults(rt *httpserver.Router) {
	good := func(http.ResponseWriter, *http.Request) error { return nil }
	rt.Handle("GET /faults/handler", func(http.ResponseWriter, *http.Request) error { panic("a broken handler") })
	rt.Handle("GET /faults/middleware", broken(good))
	rt.Handle("GET /faults/answer", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Length", "8")
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		panic("a broken answer")
	})
}

func broken(httpserver.Handler) httpserver.Handler {
	return func(http.ResponseWriter, *http.Request) error {
		var nobody map[string]string
		nobody["is"] = "here"
		return nil
	}
}
