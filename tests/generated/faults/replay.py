"""How an operator sends dead letters back: by the commands of the README, or by their equal where the programs are not here."""

import asyncio
import re
import shlex

import nats
from kafka import KafkaConsumer, KafkaProducer

from tests.generated.brokers.rabbitmq import Server as RabbitMQ
from tests.generated.brokers.redis import Server as Redis
from tests.generated.faults.worker import Worker
from tests.generated.service import PATIENCE
from tests.variants import IDENTITY

TIMEOUT_MS = PATIENCE * 1000


def send_back(worker: Worker) -> None:
    """Sends every dead letter back that was not sent back before."""
    if isinstance(worker.broker, RabbitMQ | Redis):
        for words in documented(worker):
            done = worker.broker.command(*words)
            assert done.status == 0, done
    elif worker.source == "nats":
        asyncio.run(_produce(worker))
    else:
        _pipe(worker)


def documented(worker: Worker) -> list[list[str]]:
    """The commands of the README that send dead letters back, as they run in the container of the broker."""
    _, _, section = worker.readme.partition("\n## Dead letters\n")
    _, sending_back = re.findall(r"(?ms)^```sh\n(.*?)^```", section.partition("\n## ")[0])
    _, *commands = re.split(r"(?m)^docker compose exec \w+ ", sending_back.replace(IDENTITY["name"], worker.jobs))
    return [shlex.split(command) for command in commands]


async def _produce(worker: Worker) -> None:
    """Gets each body from the stream, sends it under a new key, and removes it."""
    stream = f"{worker.jobs}-dead"
    client = await nats.connect(worker.broker.url, allow_reconnect=False)
    try:
        js = client.jetstream()
        state = (await js.stream_info(stream)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            letter = await js.get_msg(stream, sequence)
            worker.send_whole(letter.data or b"")
            await js.delete_msg(stream, sequence)
    finally:
        await client.close()


def _pipe(worker: Worker) -> None:
    """Copies what a group has not read yet of the topic, with its headers and without its key."""
    consumer = KafkaConsumer(
        f"{worker.jobs}-dead",
        bootstrap_servers=worker.broker.url,
        group_id=f"{worker.jobs}-replay",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = KafkaProducer(bootstrap_servers=worker.broker.url)
    try:
        for records in consumer.poll(timeout_ms=TIMEOUT_MS).values():
            for record in records:
                producer.send(worker.jobs, record.value, headers=record.headers)
        producer.flush()
        consumer.commit()
    finally:
        producer.close()
        consumer.close()
