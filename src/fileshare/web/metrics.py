"""The service's numbers in Prometheus' text format, for a program that asks again and again.

For an admin's credential, or directly from this machine. A registry of its own for each
answer: nothing of another library in the process gets in.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from aiohttp import web
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from fileshare import __version__
from fileshare.services.measures import Reading
from fileshare.services.meters import Direction, Histogram, Meters
from fileshare.web.health import HEALTH, Health
from fileshare.web.keys import services_of


async def metrics(request: web.Request) -> web.Response:
    """All numbers of this moment, in the format that is asked for."""
    reading = await services_of(request).measures.read()
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Collector(reading, request.app[HEALTH]()))
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(registry), headers={"Content-Type": kind})


class _Collector(Collector):
    """One reading as families of metrics."""

    def __init__(self, reading: Reading, health: Health) -> None:
        self._reading = reading
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield InfoMetricFamily("fileshare_build", "The version that runs.", {"version": __version__})
        healthy = GaugeMetricFamily("fileshare_healthy", "1 when /healthz says so, else 0.")
        healthy.add_metric([], self._health is Health.OK)
        yield healthy
        yield from _counted(self._reading.meters)
        yield _by_door("fileshare_connections", "Connections that are open.", self._reading.connections)
        yield from _moving(self._reading.meters)
        yield from _held(self._reading)
        yield _latency(self._reading.latencies)


def _counted(meters: Meters) -> Iterator[Metric]:
    for direction, text in (
        (Direction.RECEIVED, "Bytes of files that came."),
        (Direction.SENT, "Bytes of files that went."),
    ):
        by_door = {door: count for (way, door), count in meters.bytes.items() if way is direction}
        yield _counter(f"fileshare_{direction}_bytes", text, by_door)
    yield _counter("fileshare_uploads", "Files that were stored.", meters.uploads)
    yield _counter("fileshare_downloads", "Downloads, ranges too, sent to their end.", meters.downloads)
    yield _counter("fileshare_logins_failed", "Logins and tokens that were refused.", meters.logins_failed)
    failures = CounterMetricFamily(
        "fileshare_failures", "What failed or was refused, by code.", labels=("action", "code", "door")
    )
    for refusal, count in meters.refusals.items():
        failures.add_metric([refusal.action, refusal.code, refusal.door], count)
    yield failures


def _moving(meters: Meters) -> Iterator[Metric]:
    transfers = GaugeMetricFamily("fileshare_transfers", "Transfers under way.", labels=("direction", "door"))
    for (direction, door), count in meters.in_flight.items():
        transfers.add_metric([direction, door], count)
    yield transfers


def _held(reading: Reading) -> Iterator[Metric]:
    usage = reading.usage
    yield GaugeMetricFamily("fileshare_disk_free_bytes", "Free on the data folder's disk.", reading.disk_free)
    yield GaugeMetricFamily("fileshare_disk_size_bytes", "The data folder's disk.", reading.disk_size)
    yield GaugeMetricFamily("fileshare_files", "Files, without the trash.", usage.files)
    stored = GaugeMetricFamily(
        "fileshare_stored_bytes",
        "Bytes of all versions, each counted; equal contents lie there once.",
        labels=("of",),
    )
    for of, count in (("current", usage.current), ("versions", usage.versions), ("trash", usage.trash)):
        stored.add_metric([of], count)
    yield stored


def _latency(latencies: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(
        "fileshare_database_seconds", "How long callers waited for the database.", labels=("work",)
    )
    for work, histogram in latencies.items():
        sums = accumulate(histogram.counts)
        bounds = [*(str(bound) for bound in histogram.bounds), "+Inf"]
        family.add_metric([work], list(zip(bounds, sums, strict=True)), histogram.sum)
    return family


def _counter(name: str, text: str, by_door: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=("door",))
    for door, count in by_door.items():
        family.add_metric([door], count)
    return family


def _by_door(name: str, text: str, by_door: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("door",))
    for door, count in by_door.items():
        family.add_metric([door], count)
    return family
