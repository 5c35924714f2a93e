"""RQ with a worker program of one's own, which imports the job's libraries before it forks: `rq_worker URL`."""

from __future__ import annotations

import sys

from redis import Redis
from rq import Queue, Worker

from benchmarks.peers import texts  # noqa: F401 - so that no job has to

if __name__ == "__main__":
    redis = Redis.from_url(sys.argv[1])
    Worker([Queue("texts", connection=redis)], connection=redis).work(logging_level="WARNING")
