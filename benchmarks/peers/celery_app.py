"""Celery: a task a message. Results are not kept, as its documentation advises where nobody asks for them."""

from __future__ import annotations

import os

from celery import Celery

from benchmarks.peers import texts

BROKER = "BENCHMARK_BROKER"
"""Environment: the URL of Redis, as Celery writes it."""

app = Celery("benchmark", broker=os.environ.get(BROKER, ""))
app.conf.task_ignore_result = True


@app.task  # type: ignore[untyped-decorator]
def send(number: int) -> None:
    texts.send_pooled(number)
