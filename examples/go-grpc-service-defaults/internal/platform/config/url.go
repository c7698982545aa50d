package config

import (
	"errors"
	"fmt"
	"net/url"
)

func absoluteURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("parse URL: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("not an absolute URL")
	}
	return text, nil
}
