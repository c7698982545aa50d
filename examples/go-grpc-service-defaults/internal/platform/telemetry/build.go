package telemetry

import (
	"fmt"
	"runtime/debug"
)

// Build says which program this is.
type Build struct {
	Service  string `json:"service"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitzero"`
	Go       string `json:"go"`
}

// ReadBuild completes a name and a version by what the compiler recorded.
func ReadBuild(service, version string) Build {
	build := Build{Service: service, Version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	build.Go = info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			build.Revision = setting.Value
		}
	}
	return build
}

// String is what the version command prints.
func (b Build) String() string {
	if b.Revision == "" {
		return fmt.Sprintf("%s %s (%s)", b.Service, b.Version, b.Go)
	}
	return fmt.Sprintf("%s %s (%s, %s)", b.Service, b.Version, b.Revision, b.Go)
}
