package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// partitions is how many workers can share the messages, where the topics are made here.
	partitions     = 12
	connectTimeout = 5 * time.Second
	metadataMinAge = time.Second
	// batchBytes is what brokers take at most, unless told otherwise: also the largest message that can be tried again.
	batchBytes = 1<<20 + 12
)

func (cfg Config) retryTopic() string { return cfg.Name + "-retry" }

func (cfg Config) deadTopic() string { return cfg.Name + "-dead" }

// connect makes a client whose connections end with ctx. It does not wait for the broker.
func connect(ctx context.Context, cfg Config, log *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	brokers, err := parseBrokers(cfg.URL)
	if err != nil {
		return nil, err
	}
	if brokers.login != nil {
		opts = append(opts, kgo.SASL(brokers.login))
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers.addresses...), kgo.Dialer(brokers.dial(ctx)), kgo.ClientID(cfg.Name), kgo.WithLogger(clientLog{log}),
		kgo.RequestTimeoutOverhead(connectTimeout), kgo.MetadataMinAge(metadataMinAge), kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(batchBytes), kgo.ProducerBatchCompression(kgo.NoCompression()), // any client can read it
		kgo.DisableClientMetrics(),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make a client of Kafka: %w", err)
	}
	return client, nil
}

// declare waits for the broker and makes the topics that are missing.
func declare(ctx context.Context, cfg Config, log *slog.Logger) error {
	if err := CheckURL(cfg.URL); err != nil {
		return err
	}
	return await(ctx, cfg.StartTimeout, log, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		client, err := connect(ctx, cfg, slog.New(slog.DiscardHandler), kgo.RequestRetries(0))
		if err != nil {
			return err
		}
		defer client.Close()
		return createMissing(ctx, kadm.NewClient(client), cfg)
	})
}

// createMissing returns when the broker knows all topics, which is a moment after it took the order to make them.
func createMissing(ctx context.Context, admin *kadm.Client, cfg Config) error {
	topics := []string{cfg.Name, cfg.retryTopic(), cfg.deadTopic()}
	for created := false; ; created = true {
		found, err := admin.ListTopics(ctx, topics...)
		if err != nil {
			return fmt.Errorf("list topics: %w", err)
		}
		if found.Error() == nil {
			return nil
		}
		for _, topic := range topics {
			err := found[topic].Err
			if errors.Is(err, kerr.UnknownTopicOrPartition) && !created {
				err = create(ctx, admin, topic, topic == cfg.deadTopic())
			}
			if err != nil && !kerr.IsRetriable(err) {
				return fmt.Errorf("topic %s: %w", topic, err)
			}
		}
		select {
		case <-time.After(firstPause):
		case <-ctx.Done():
			return fmt.Errorf("wait for the topics: %w", context.Cause(ctx))
		}
	}
}

func create(ctx context.Context, admin *kadm.Client, topic string, keep bool) error {
	const defaultReplication = -1
	count, settings := int32(partitions), map[string]*string{}
	if keep {
		count, settings["retention.ms"] = 1, new("-1") // of other topics the broker says how long
	}
	_, err := admin.CreateTopic(ctx, count, defaultReplication, settings, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // by another worker, a moment ago
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// clientLog passes on the errors of the client. That it cannot connect, it says of every attempt, and not as an error.
type clientLog struct{ log *slog.Logger }

func (clientLog) Level() kgo.LogLevel { return kgo.LogLevelError }

func (l clientLog) Log(_ kgo.LogLevel, message string, details ...any) {
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "kafka client", slog.String("message", message), slog.Group("details", details...))
}
