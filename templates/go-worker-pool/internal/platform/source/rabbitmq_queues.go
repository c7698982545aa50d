package source

import (
	"errors"
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// longestDelay is a power of two of seconds, and the longest that RabbitMQ can count in milliseconds.
const longestDelay = 1 << 22 * time.Second

func deadQueue(name string) string { return name + "-dead" }

// retryQueue is where a message waits for the end of a delay. RabbitMQ ends delays only at the head of a queue, so that a message waits
// for those before it, too. As each queue has the delays between a power of two and half of it, that takes less than twice the delay,
// or a second.
func retryQueue(name string, delay time.Duration) string {
	longest := time.Second
	for longest < delay {
		longest *= 2
	}
	return fmt.Sprintf("%s-retry-%ds", name, longest/time.Second)
}

// endlessQueue keeps its messages, however often they are looked at: from RabbitMQ 4.0 on, 20 deliveries would be the limit.
func endlessQueue() amqp.Table {
	return amqp.Table{
		amqp.QueueTypeArg:  amqp.QueueTypeQuorum,
		"x-delivery-limit": math.MaxInt32,
	}
}

// queueBefore passes on what it gives up, such as a message whose delay is over, and keeps it until the next queue has it.
func queueBefore(next string) amqp.Table {
	args := endlessQueue()
	args["x-dead-letter-exchange"] = ""
	args["x-dead-letter-routing-key"] = next
	args["x-dead-letter-strategy"] = "at-least-once"
	args[amqp.QueueOverflowArg] = amqp.QueueOverflowRejectPublish // the strategy demands it
	return args
}

// declare makes a queue if it is not there. One that is there may have been made otherwise by its operators.
func (s *session) declare(name string, args amqp.Table) error {
	err := s.ask(func(channel *amqp.Channel) error {
		_, err := channel.QueueDeclarePassive(name, true, false, false, false, nil)
		return err //nolint:wrapcheck // it is wrapped below
	})
	if reason, ok := errors.AsType[*amqp.Error](err); ok && reason.Code == amqp.NotFound {
		err = s.ask(func(channel *amqp.Channel) error {
			_, err := channel.QueueDeclare(name, true, false, false, false, args)
			return err //nolint:wrapcheck // it is wrapped below
		})
	}
	if err != nil {
		return fmt.Errorf("declare queue %s: %w", name, err)
	}
	return nil
}

// declareRetry makes the queue for a delay when it is needed first.
func (s *session) declareRetry(name string, delay time.Duration) (queue string, err error) {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	queue = retryQueue(name, delay)
	if s.declared[queue] {
		return queue, nil
	}
	if err := s.declare(queue, queueBefore(name)); err != nil {
		return "", err
	}
	s.declared[queue] = true
	return queue, nil
}

// forget has a queue declared again when it is needed next.
func (s *session) forget(queue string) {
	s.declaring.Lock()
	defer s.declaring.Unlock()
	delete(s.declared, queue)
}
