package telemetry_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"[[ module ]]/internal/platform/telemetry"
)

func TestReadBuild(t *testing.T) {
	t.Parallel()
	build := telemetry.ReadBuild("[[ name ]]", "v1.2.3")
	assert.Equal(t, "[[ name ]]", build.Service)
	assert.Equal(t, "v1.2.3", build.Version)
	assert.Equal(t, runtime.Version(), build.Go)
}

func TestBuildString(t *testing.T) {
	t.Parallel()
	build := telemetry.Build{Service: "[[ name ]]", Version: "v1.2.3", Go: "go1.27"}
	assert.Equal(t, "[[ name ]] v1.2.3 (go1.27)", build.String())
	build.Revision = "abc"
	assert.Equal(t, "[[ name ]] v1.2.3 (abc, go1.27)", build.String())
}
