// Package openapi holds the contract of the API.
package openapi

import _ "embed"

// Document is the OpenAPI document, in YAML.
//
//go:embed openapi.yaml
var Document string
