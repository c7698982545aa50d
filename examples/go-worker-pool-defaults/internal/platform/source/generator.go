// Package source makes up the messages that a worker without a broker works off.
package source

import (
	"context"
	"slices"
	"sync"
	"time"
	"uuid"
)

// Generator is a source that has the same message again and again. What is to be tried again it keeps in memory.
type Generator struct {
	every time.Duration
	body  []byte

	mu    sync.Mutex
	again []postponed
}

type postponed struct {
	message Message
	due     time.Time
}

// NewGenerator returns a source of one message in each interval.
func NewGenerator(every time.Duration, body []byte) *Generator {
	return &Generator{every: every, body: body}
}

// Run passes messages to submit until ctx ends. It waits while submit waits.
func (g *Generator) Run(ctx context.Context, submit func(context.Context, Message) error) error {
	tick := time.NewTicker(g.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := submit(ctx, g.next(now)); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// next returns a message whose delay is over, or else a new one.
func (g *Generator) next(now time.Time) Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	message := Message{Key: uuid.NewV7().String(), Body: g.body, Attempt: 1}
	if i := slices.IndexFunc(g.again, func(p postponed) bool { return !p.due.After(now) }); i >= 0 {
		message = g.again[i].message
		g.again = slices.Delete(g.again, i, i+1)
	}
	message.Delivery = generated{g, message}
	return message
}

// generated is a message that the generator has made.
type generated struct {
	generator *Generator
	message   Message
}

func (d generated) Ack(context.Context) error { return nil }

func (d generated) Bury(context.Context, string) error { return nil }

func (d generated) Retry(_ context.Context, delay time.Duration) error {
	d.message.Attempt++
	d.postpone(delay)
	return nil
}

func (d generated) Release(context.Context) error {
	d.postpone(0)
	return nil
}

func (d generated) postpone(delay time.Duration) {
	d.generator.mu.Lock()
	defer d.generator.mu.Unlock()
	d.generator.again = append(d.generator.again, postponed{d.message, time.Now().Add(delay)})
}
