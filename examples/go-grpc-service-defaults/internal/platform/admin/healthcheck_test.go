package admin_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/admin"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	opts := options()
	healthy := httptest.NewServer(admin.NewHandler(opts))
	t.Cleanup(healthy.Close)
	opts.Ready = func(context.Context) error { return errors.New("starting") }
	unready := httptest.NewServer(admin.NewHandler(opts))
	t.Cleanup(unready.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	port := func(s *httptest.Server) string {
		_, port, err := net.SplitHostPort(s.Listener.Addr().String())
		require.NoError(t, err)
		return port
	}

	tests := map[string]struct {
		address string
		want    string
	}{
		"ready":                    {address: "127.0.0.1:" + port(healthy)},
		"ready, on every address":  {address: ":" + port(healthy)},
		"ready, on every IPv4":     {address: "0.0.0.0:" + port(healthy)},
		"not ready":                {address: ":" + port(unready), want: "503 Service Unavailable: not ready: starting"},
		"nobody there":             {address: ":" + port(gone), want: "connection refused"},
		"no address":               {address: "admin", want: "missing port in address"},
		"an address of no machine": {address: "[::%]:1", want: "make request"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := admin.Healthcheck(t.Context(), tt.address)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
