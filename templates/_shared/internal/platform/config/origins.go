package config

import (
	"errors"
	"strings"
)

// origins reads a comma-separated list such as https://app.example.com,https://admin.example.com; * stands for any origin.
func (e *env) origins(key string) []string {
	const want = "origins such as https://app.example.com, separated by commas, or *"
	return read(e, key, nil, want, func(text string) ([]string, error) {
		origins := strings.Split(text, ",")
		for i, origin := range origins {
			origins[i] = strings.TrimSpace(origin)
			if origins[i] == "*" {
				continue
			}
			if _, err := absoluteURL(origins[i]); err != nil {
				return nil, err
			}
			if strings.Count(origins[i], "/") != 2 || strings.ContainsAny(origins[i], "@?#") {
				return nil, errors.New("more than an origin")
			}
		}
		return origins, nil
	})
}
