"""The numbers of the real thing: both doors in one account, read by the official parser."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.servers import Server
from tests.e2e.sources import content
from tests.e2e.talk import Version1


def numbers(server: Server) -> dict[tuple[str, str], float]:
    """Values by name and the value of their one label."""
    with urllib.request.urlopen(f"{server.web}/metrics", timeout=20) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for family in families
            for sample in family.samples
            if len(sample.labels) <= 1
        }


def test_what_comes_by_the_tcp_door_is_counted_beside_the_web_doors(server: Server) -> None:
    data = content(300_000)
    with Version1(server.address).log_in() as talk:
        talk.upload("a.bin", data)
        put = urllib.request.Request(f"{server.web}/files/b.bin", data[:1000], method="PUT")
        put.add_header("Authorization", "Basic YWRtaW46YWRtaW4xMjM=")  # admin:admin123
        urllib.request.urlopen(put, timeout=20).close()
        told = numbers(server)
    assert told["fileshare_received_bytes_total", "tcp"] == len(data)
    assert told["fileshare_received_bytes_total", "web"] == 1000
    assert told["fileshare_uploads_total", "tcp"] == told["fileshare_uploads_total", "web"] == 1
    assert told["fileshare_connections", "tcp"] == 1
    assert told["fileshare_connections", "web"] >= 1
    assert told["fileshare_stored_bytes", "current"] == len(data) + 1000
    assert told["fileshare_database_seconds_count", "write"] > 0
    assert told["fileshare_healthy", ""] == 1
