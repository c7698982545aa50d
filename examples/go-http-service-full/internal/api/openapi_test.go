package api

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	openapi "example.com/user-service/api"
	"example.com/user-service/internal/user"
)

// The document describes every route, and nothing else.
func TestDocumentNamesTheRoutes(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(openapi.Document), &document))
	var described []string
	for path, item := range document.Paths {
		for key := range item {
			if key != "parameters" { // those that the operations of the path share
				described = append(described, strings.ToUpper(key)+" "+path)
			}
		}
	}
	registered := slices.Collect(maps.Keys(routes((*user.Service)(nil))))
	assert.ElementsMatch(t, registered, described)
}
