// Package openapi holds the description of the REST API, which is made of proto/.
package openapi

import _ "embed"

// Document is the OpenAPI document.
//
//go:embed openapi.swagger.json
var Document string
