// Package sourcetest says where the broker is that tests use.
package sourcetest

import (
	"crypto/rand"
	"os"
	"testing"
)

const variable = "TEST_NATS_URL"

// URL is that of the tests' broker. Without the variable the test is skipped; in CI, where nobody would see that, it fails.
func URL(tb testing.TB) string {
	tb.Helper()
	url := os.Getenv(variable)
	if url == "" {
		if os.Getenv("CI") != "" {
			tb.Fatal(variable + " is not set")
		}
		tb.Skip(variable + " is not set")
	}
	return url
}

// Name is one that no other test has for its jobs.
func Name() string {
	return "test-" + rand.Text()
}
