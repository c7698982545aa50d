// Package migrations holds the schema of the users' tables, as files for goose.
package migrations

import "embed"

// FS has the migrations at its root.
//
//go:embed *.sql
var FS embed.FS
