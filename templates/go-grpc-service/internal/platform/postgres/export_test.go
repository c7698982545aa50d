package postgres

import "time"

// CheckEvery is for tests that do not want to wait as long as a service can.
func (l *Listener) CheckEvery(interval, timeout time.Duration) {
	l.checkInterval, l.checkTimeout = interval, timeout
}
