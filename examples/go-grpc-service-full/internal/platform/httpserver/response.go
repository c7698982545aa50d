package httpserver

import (
	"fmt"
	"net/http"
)

// response is a http.ResponseWriter that remembers what was sent.
type response struct {
	http.ResponseWriter

	status int // 0 until the header is sent
	bytes  int64
}

// Unwrap lets http.ResponseController reach what this type does not have.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // others are informational, and a final one follows
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(body []byte) (int, error) {
	w.commit()
	n, err := w.ResponseWriter.Write(body)
	w.bytes += int64(n)
	if err != nil {
		return n, fmt.Errorf("write response: %w", err)
	}
	return n, nil
}

// FlushError sends the header too, so it must not pass by unseen.
func (w *response) FlushError() error {
	w.commit()
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return fmt.Errorf("flush response: %w", err)
	}
	return nil
}

func (w *response) commit() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// started says whether the header of an answer was sent, also if handlers have wrapped the response.
func started(w http.ResponseWriter) bool {
	for {
		switch inner := w.(type) {
		case *response:
			return inner.status != 0
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return false
		}
	}
}
