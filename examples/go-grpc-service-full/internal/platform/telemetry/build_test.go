package telemetry_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/user-service/internal/platform/telemetry"
)

func TestReadBuild(t *testing.T) {
	t.Parallel()
	build := telemetry.ReadBuild("user-service", "v1.2.3")
	assert.Equal(t, "user-service", build.Service)
	assert.Equal(t, "v1.2.3", build.Version)
	assert.Equal(t, runtime.Version(), build.Go)
}

func TestBuildString(t *testing.T) {
	t.Parallel()
	build := telemetry.Build{Service: "user-service", Version: "v1.2.3", Go: "go1.27"}
	assert.Equal(t, "user-service v1.2.3 (go1.27)", build.String())
	build.Revision = "abc"
	assert.Equal(t, "user-service v1.2.3 (abc, go1.27)", build.String())
}
