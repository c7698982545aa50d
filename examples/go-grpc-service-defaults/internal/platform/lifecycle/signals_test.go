package lifecycle_test

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/lifecycle"
)

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			ctx, stop := lifecycle.Signals(t.Context())
			defer stop()
			require.NoError(t, syscall.Kill(os.Getpid(), sig))
			<-ctx.Done()
			assert.EqualError(t, context.Cause(ctx), "received signal: "+sig.String())
		})
	}
}

func TestSignalsEndWithTheirParent(t *testing.T) {
	t.Parallel()
	ctx, stop := lifecycle.Signals(t.Context())
	stop()
	<-ctx.Done()
	require.ErrorIs(t, context.Cause(ctx), context.Canceled)
}
