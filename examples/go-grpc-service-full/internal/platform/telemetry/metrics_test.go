package telemetry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/user-service/internal/platform/telemetry"
)

func TestRegistryHasRuntimeAndProcess(t *testing.T) {
	t.Parallel()
	count, err := testutil.GatherAndCount(telemetry.NewRegistry(), "go_goroutines", "process_resident_memory_bytes")
	require.NoError(t, err)
	assert.Equal(t, 2, count)
}

func TestReadinessIsAMetric(t *testing.T) {
	t.Parallel()
	var reason error
	readiness := telemetry.NewReadiness(t.Context(), func(context.Context) error { return reason })

	assert.InDelta(t, 1, testutil.ToFloat64(readiness), 0)
	reason = errors.New("a migration is pending")
	assert.InDelta(t, 0, testutil.ToFloat64(readiness), 0)
}
