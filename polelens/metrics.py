"""Metrics for Prometheus: the ledger's figures and the queues' lengths, read when they are asked for.

No label holds an audit, a photograph or a reason: models, steps, causes, queues and a day's workers are few.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.counters import CAUSES, DUPLICATES, REPUBLISHED, failed
from storage.monitoring import ModelCounts, ModelRate, Reading, read
from storage.placements import Told
from tasks.depths import client, depths

logger = logging.getLogger(__name__)

COUNTERS = {  # metric: its counter in the ledger, and what it is
    "polelens_photographs_done": ("photographs", "Photographs explained."),
    "polelens_evaluations": ("evaluations", "Perturbed pictures answered, of photographs that are done."),
    "polelens_parts": ("parts", "Parts answered, of photographs that are done."),
    "polelens_inference_seconds": ("seconds", "Seconds of inference in those parts; its rate is the busy processes."),
    "polelens_duplicates_refused": (DUPLICATES, "Answers refused, since another had come first."),
    "polelens_republished": (REPUBLISHED, "Photographs handed out again, since nothing came of them in time."),
}


class LedgerCollector(Collector):
    """What Prometheus gets. A service that does not answer gives no figures but `polelens_up` 0."""

    def __init__(self, engine: Engine, broker_url: str) -> None:
        self._engine, self._broker_url = engine, broker_url

    def collect(self) -> Iterator[Metric]:
        """All metrics, read now."""
        reading, waiting = self._reading(), self._depths()
        answers = {"postgres": reading is not None, "redis": waiting is not None}
        yield _gauge("polelens_up", "Whether the service answers.", "service", answers)
        if reading is not None:
            yield from now(reading)
            yield from so_far(reading.models)
        if waiting is not None:
            yield _gauge("polelens_queue_messages", "Messages that wait; unacked: held by workers.", "queue", waiting)

    def _reading(self) -> Reading | None:
        try:
            return read(self._engine)
        except SQLAlchemyError as error:
            logger.warning("Postgres: %s", str(getattr(error, "orig", None) or error).partition("\n")[0])
            return None

    def _depths(self) -> dict[str, int] | None:
        try:
            with client(self._broker_url) as asked:
                return depths(asked)
        except (redis.RedisError, ValueError) as error:
            logger.warning("Redis: %s", error)
            return None


def registry(engine: Engine, broker_url: str) -> CollectorRegistry:
    """A registry with these metrics alone."""
    made = CollectorRegistry()
    made.register(LedgerCollector(engine, broker_url))
    return made


def now(reading: Reading) -> Iterator[Metric]:
    """What the ledger holds."""
    steps = {one.step: one for one in reading.backlog}
    photographs = {"planned": reading.planned} | {step: one.photographs for step, one in steps.items()}
    yield _gauge("polelens_audits", "Audits.", "state", reading.audits)
    yield _gauge("polelens_photographs", "Photographs of running audits, by the step they are at.", "step", photographs)
    oldest = {step: one.oldest_seconds for step, one in steps.items()}
    yield _gauge("polelens_oldest_seconds", "Age of what has been longest at each step.", "step", oldest)
    parts = {"pending": steps["infer"].tasks, "answered": steps["infer"].answered}
    yield _gauge("polelens_parts_in_flight", "Parts of the photographs at inference.", "state", parts)
    yield from as_measured(reading.rates)
    yield from running_on(reading.placements)


def as_measured(rates: Iterable[ModelRate]) -> Iterator[Metric]:
    """How fast each model is answered, in each precision."""
    labels = ("model", "precision")
    gauge = GaugeMetricFamily("polelens_model_rate", "Evaluations a second of one process, as measured.", labels=labels)
    for one in rates:
        gauge.add_metric([one.model, one.precision], one.rate)
    yield gauge


def running_on(placements: Iterable[Told]) -> Iterator[Metric]:
    """What each worker runs each model on."""
    labels = ("worker", "model", "precision", "provider")
    nodes = GaugeMetricFamily("polelens_cpu_nodes", "Nodes that the provider left to the CPU.", labels=labels)
    share = GaugeMetricFamily("polelens_cpu_share", "Their share of the time of a run.", labels=labels)
    for one in placements:
        where = [getattr(one, label) for label in labels]
        nodes.add_metric(where, one.nodes)
        share.add_metric(where, one.share)
    yield nodes
    yield share


def so_far(models: Iterable[ModelCounts]) -> Iterator[Metric]:
    """Every counter of every model, those at zero too: the first event of a series is one that a rate can see."""
    for name, (what, words) in COUNTERS.items():
        counter = CounterMetricFamily(name, words, labels=["model"])
        for one in models:
            counter.add_metric([one.model], one.counts.get(what, 0))
        yield counter
    counter = CounterMetricFamily("polelens_photographs_failed", "Photographs failed.", labels=["model", "cause"])
    for one in models:
        for cause in CAUSES:
            counter.add_metric([one.model, cause], one.counts.get(failed(cause), 0))
    yield counter


def _gauge(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    gauge = GaugeMetricFamily(name, words, labels=[label])
    for value, number in values.items():
        gauge.add_metric([value], number)
    return gauge
