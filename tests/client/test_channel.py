"""Bytes out of a channel: all of them, in order, however little the system takes at a time."""

import socket
import threading

import pytest

from fileshare.client.channel import Channel
from fileshare.errors import ConnectionLost


def received(peer: socket.socket) -> bytes:
    whole = b""
    while data := peer.recv(1 << 20):
        whole += data
    return whole


@pytest.mark.parametrize("gathers", [True, False])
def test_pieces_arrive_whole_and_in_order(gathers: bool) -> None:
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    came: list[bytes] = []
    pieces = [b"head", b"", bytes(range(256)) * 4000, b"tail"]
    with peer:
        reading = threading.Thread(target=lambda: came.append(received(peer)))
        reading.start()
        channel = Channel(ours)
        if not gathers:
            channel._gathering = None
        channel.send(*pieces)
        channel.close()
        reading.join(20)
    assert came == [b"".join(pieces)]
    assert channel.sent == len(came[0])


def test_what_went_before_a_loss_is_counted() -> None:
    ours, peer = socket.socketpair()
    channel = Channel(ours)
    channel.send(b"head", b"data")
    peer.close()
    with pytest.raises(ConnectionLost):
        channel.send(b"more", bytes(1 << 20))
    assert channel.sent == 8
    channel.close()
