// Command bare does the jobs of a Kafka topic by franz-go alone: of each partition, the offset before which all are done is committed,
// five times a second.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"example.com/user-service/internal/job"
)

const (
	workers        = 8
	prefetch       = 72
	commitInterval = 200 * time.Millisecond
	fetchWait      = 500 * time.Millisecond
	fetchBytes     = 8 << 20
)

// entry is a record that is not committed.
type entry struct {
	record *kgo.Record
	done   bool
}

// progress is what is under way, of each partition in the order of its offsets.
type progress struct {
	client *kgo.Client

	mu         sync.Mutex
	partitions map[int32][]*entry
}

func (p *progress) begin(record *kgo.Record) *entry {
	e := &entry{record: record}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partitions[record.Partition] = append(p.partitions[record.Partition], e)
	return e
}

func (p *progress) end(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.done = true
	entries := p.partitions[e.record.Partition]
	count := 0
	for count < len(entries) && entries[count].done {
		count++
	}
	if count > 0 {
		p.client.MarkCommitRecords(entries[count-1].record)
		p.partitions[e.record.Partition] = entries[count:]
	}
}

func main() {
	ctx := context.Background()
	name := os.Getenv("JOBS")
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Getenv("KAFKA_BROKERS")), kgo.ConsumerGroup(name), kgo.ConsumeTopics(name),
		kgo.FetchMaxWait(fetchWait), kgo.FetchMaxBytes(fetchBytes), kgo.AutoCommitMarks(), kgo.AutoCommitInterval(commitInterval))
	if err != nil {
		log.Fatal(err)
	}

	words := job.NewCounter(slog.Default())
	under := &progress{client: client, partitions: make(map[int32][]*entry)}
	entries := make(chan *entry, prefetch-workers)
	for range workers {
		go func() {
			for e := range entries {
				if err := words.Do(ctx, key(e.record), e.record.Value); err != nil {
					log.Fatal(err)
				}
				under.end(e)
			}
		}()
	}
	for {
		fetches := client.PollRecords(ctx, prefetch)
		if err := fetches.Err(); err != nil {
			log.Fatal(err)
		}
		fetches.EachRecord(func(record *kgo.Record) { entries <- under.begin(record) })
	}
}

func key(record *kgo.Record) string {
	for _, header := range record.Headers {
		if header.Key == "job-key" {
			return string(header.Value)
		}
	}
	return ""
}
