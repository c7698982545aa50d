package telemetry_test

import (
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
