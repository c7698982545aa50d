package config

import (
	"errors"
	"regexp"
	"time"
)

// Hold is the longest time from the delivery of a message to its end: all that can wait before it, and its own attempt, each as
// long as allowed.
func (cfg Config) Hold() time.Duration {
	rounds := (cfg.Queue+cfg.Workers-1)/cfg.Workers + 1
	return time.Duration(rounds) * cfg.RequestTimeout
}

// jobsName takes what every broker takes as a part of names.
func jobsName(text string) (string, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`).MatchString(text) {
		return "", errors.New("not a name")
	}
	return text, nil
}
