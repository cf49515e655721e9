"""The line with latency and loss."""

import asyncio

from benchmarks.line import SEGMENT, WINDOW, Line, serve


def test_bytes_come_half_a_round_trip_later() -> None:
    assert Line(round_trip=0.1, loss=0.0).delay(1, chance=0.999) == 0.05


def test_a_lost_segment_costs_a_round_trip_more() -> None:
    line = Line(round_trip=0.1, loss=0.01)

    assert line.delay(SEGMENT, chance=0.98) == 0.05
    assert line.delay(SEGMENT, chance=0.995) == 0.05 + 0.1


def test_more_segments_are_more_likely_to_lose_one() -> None:
    line = Line(round_trip=0.1, loss=0.01)

    assert line.delay(10 * SEGMENT, chance=0.95) > line.delay(SEGMENT, chance=0.95)


async def test_more_than_a_window_passes_unchanged_and_in_order_both_ways() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    content = bytes(range(256)) * (WINDOW // 200)
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as far:
        target = far.sockets[0].getsockname()[1]
        async with await serve(Line(round_trip=0.001, loss=0.01), target) as line:
            reader, writer = await asyncio.open_connection(*line.sockets[0].getsockname())
            writer.write(content)
            writer.write_eof()

            assert await reader.read() == content
            writer.close()
