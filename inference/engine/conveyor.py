"""The stages of a bucket at work at once: the next batch is taken, and the last one written, while the model runs.

Only a backlog is taken ahead. With few jobs each batch is taken when the model is free, so that it has all that came
meanwhile, and written at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections, connection

from inference.engine.batch import Batch
from inference.engine.lease import Keeper
from inference.engine.models import LoadedModel, loaded
from inference.engine.predict import predict
from inference.engine.take import take
from inference.engine.write import write

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class Conveyor:
    """One process's way of a bucket's jobs. A stage has a thread, and so a connection, of its own that it keeps."""

    def __init__(
        self, keeper: Keeper, worker: Callable[[], str], stage: Callable[[int, str], Executor] = ThreadPoolExecutor
    ) -> None:
        self._keeper = keeper
        self._worker = worker
        self._taking, self._writing = stage(1, "taking"), stage(1, "writing")

    def run(self, bucket: str, seconds: float) -> bool:
        """Work until the bucket is empty or the time is over; whether it was left empty.

        Raises `UnknownBucket` and `ArtefactRefused` for a model that is not to be had, and what the database raises.
        """
        try:
            return self._work(loaded(bucket), time.monotonic() + seconds)
        except BaseException:
            self._let_go()
            raise

    def _work(self, model: LoadedModel, ends_at: float) -> bool:
        batch, writing = self._take(model), None
        while batch.leases:
            ahead = self._ahead(model) if batch.full and time.monotonic() < ends_at else None
            predict(batch, self._keeper)
            writing = self._write(batch, writing, at_once=ahead is None)
            if ahead is None and time.monotonic() > ends_at:
                return False
            batch = ahead.result() if ahead else self._take(model)
        if writing:
            writing.result()
        return True

    def _take(self, model: LoadedModel) -> Batch:
        return take(model, self._keeper, self._worker())

    def _ahead(self, model: LoadedModel) -> Future[Batch]:
        return self._taking.submit(connected, self._take, model)

    def _write(self, batch: Batch, before: Future[None] | None, *, at_once: bool) -> Future[None] | None:
        """Write a batch, at most one behind the model."""
        if before:
            before.result()
        if at_once:
            write(batch, self._keeper)
            return None
        return self._writing.submit(connected, write, batch, self._keeper)

    def _let_go(self) -> None:
        """After a turn that broke off: the stages end what they have in hand; nothing is kept from other workers."""
        for stage in (self._taking, self._writing):
            stage.submit(int).result()
        self._keeper.let_go()


def connected(stage: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
    """A stage in its own thread: a connection that broke is not used again."""
    close_old_connections()
    try:
        return stage(*args, **kwargs)
    except Error:
        connection.close()
        raise
