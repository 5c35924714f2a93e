"""What cannot be beaten from Python: requests made beforehand, on sockets that do nothing else."""

from __future__ import annotations

import selectors
import socket
import time
from urllib.parse import urlsplit

from benchmarks.peers.texts import BODY
from workers.gateways.http1 import request_bytes

CONNECTIONS = 512
_ROOM = 64 * 1024


def drain(url: str, count: int) -> tuple[float, float]:
    """Post `count` texts: messages a second, processor milliseconds a message."""
    parts = urlsplit(url)
    waiting = [_request(parts.netloc, number) for number in range(count)]
    poll = selectors.DefaultSelector()
    cpu, begun = time.process_time(), time.perf_counter()
    for _ in range(min(CONNECTIONS, count)):
        connection = socket.create_connection((str(parts.hostname), int(parts.port or 80)))
        poll.register(connection, selectors.EVENT_READ)
        connection.send(waiting.pop())
    answered = 0
    while answered < count:
        for key, _ in poll.select():
            assert isinstance(key.fileobj, socket.socket)
            if b" 201 " not in key.fileobj.recv(_ROOM)[:16]:
                raise SystemExit("the stand-in refused a bare request")
            answered += 1
            if waiting:
                key.fileobj.send(waiting.pop())
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    for key in list(poll.get_map().values()):
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    return count / took, cpu / count * 1000


def _request(host: str, number: int) -> bytes:
    body = f"To=%2B1555{number:07d}&From=%2B15005550006&Body=" + BODY.format(number=number).replace(" ", "+")
    target = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    return request_bytes("POST", target, host, {"Content-Type": "application/x-www-form-urlencoded"}, body.encode())
