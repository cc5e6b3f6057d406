"""Requests that wait at the same time are computed at once: rows that are joined, run and taken apart again."""

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from seq2seq_keras.serve.batching_queue import Queue, Task
from seq2seq_keras.serve.batching_rows import alike, filled, fixed, form_of, independent, joined, parted, rows_of
from seq2seq_keras.serve.config import BatchingParameters
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.status import Code, ServingError

if TYPE_CHECKING:
    from seq2seq_keras.serve.servable import Servable

_log = logging.getLogger("seq2seq_keras.serve")
_LONGEST = 86_400.0
"""Seconds that anything waits at most: a deadline may be infinite, a wait may not."""
_PATIENCE = 0.25
"""Of the time that a batch took: so long the next one waits for the clients of that one."""
_RETURN = 0.02
"""Seconds that it waits at least: so long many clients take to read their answers and to ask again, whatever the model.
With less, batches of a quick model are half as large."""
_SHARE = 4
"""Rows for which another thread is woken."""


class Batcher:
    """A bounded queue for each version, signature and choice of outputs; a few threads compute for all queues.

    A request that finds nothing before it is computed by its own thread, there and then: waking another one, and being
    woken by it, would take longer than all else that is done for it here.

    A batch is the oldest request and those whose texts are nearest to it in length, so that short texts wait for
    long ones only if nothing else fills the batch, and no request waits for ever. What a request is answered does
    not depend on its neighbours: it shares no batch if the outputs would take their shape from the longest of all
    rows (unless inputs are padded, which asks for just that), and where a batch fails, each of its requests is
    computed alone.

    Where several threads are free they share what waits, since each of them computes on one core.

    Clients that were just answered tend to ask again at once. For a moment after a batch the next one waits for as many
    rows as that one had beside those that wait already; else two halves of all clients would take turns, in batches of
    half the size. A client that asks alone never waits: as many rows as it had are there when it asks again.

    A request with more than `max_batch_size` rows is computed in parts, as TensorFlow Serving does with
    `enable_large_batch_splitting`, and one that finds several threads free in a part for each of them; the parts are of
    rows of similar length. A request whose outputs are not rows is computed alone and whole.

    Args:
        parameters: sizes and times.
        metrics: told of every run and of the queues.
        per_model: each model has sizes and times of its own, or is not batched at all; the threads are shared.
    """

    def __init__(self, parameters: BatchingParameters, metrics: Metrics, per_model: bool = False):
        self._parameters, self._metrics, self._per_model = parameters, metrics, per_model
        self._changed = threading.Condition()  # guards everything below
        self._queues: dict[tuple, Queue] = {}  # those with a request in them
        self._joins: WeakKeyDictionary[Servable, dict[str, bool]] = WeakKeyDictionary()  # by signature
        self._expected: dict[tuple, tuple[int, float]] = {}  # rows of a queue's next batch, and until when to wait
        self._computing = 0  # threads at it, ours and those of requests
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batching-{number}", daemon=True)
            for number in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def takes(self, servable: "Servable") -> bool:
        """Whether requests for this version are batched."""
        return self._parameters_of(servable) is not None

    def run(
        self,
        servable: "Servable",
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str] | None,
        deadline: float,
    ) -> dict[str, np.ndarray]:
        """Waits until the request is computed, or until its deadline.

        Args:
            inputs: validated against the signature; strings are object arrays of bytes.
            outputs: names of those wanted; None for all.
            deadline: `time.monotonic()` seconds.

        Raises:
            ServingError: UNAVAILABLE if the queue is full, DEADLINE_EXCEEDED, or what the model says.
        """
        parameters = self._parameters_of(servable)
        queue = Queue(servable, signature, tuple(sorted(set(outputs))) if outputs else None, parameters)
        deadline = min(deadline, time.monotonic() + _LONGEST)
        rows = rows_of(inputs) if self._may_join(queue) else None
        if rows is None:
            return self._ask(queue, [Task(inputs, 1, deadline, None)])[0]
        form, size = form_of(inputs, parameters), self._part(queue, rows)
        if rows <= size:
            return self._ask(queue, [Task(inputs, rows, deadline, form)])[0]
        parts, places = parted(inputs, rows, size)
        found = self._ask(queue, [Task(part, count, deadline, form) for count, part in parts])
        if self._may_join(queue) and alike(found):
            return {name: np.concatenate([part[name] for part in found])[places] for name in found[0]}
        self._never_join(queue)
        return self._ask(queue, [Task(inputs, 1, deadline, None)])[0]

    def stop(self, deadline: float = math.inf) -> None:
        """Computes what is queued and refuses more; what is still queued at the deadline is refused too.

        Args:
            deadline: of `time.monotonic`.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(min(max(deadline - time.monotonic(), 0.0), _LONGEST))
        with self._changed:
            for queue in list(self._queues.values()):
                for task in queue.tasks:
                    task.finish(error=_stopping())
                self._remove(queue, list(queue.tasks))

    def _ask(self, queue: Queue, tasks: list[Task]) -> list[dict[str, np.ndarray]]:
        """Answers to tasks, all of which are queued or none."""
        at_once = len(tasks) == 1 and self._begin_at_once(queue, tasks[0])
        if not at_once:
            self._put(queue, tasks)
        try:
            if at_once:
                self._finish(queue, tasks)
            for task in tasks:
                task.done.wait(max(task.deadline - time.monotonic(), 0))
                if not task.done.is_set():
                    raise _late()
                if task.error is not None:
                    raise ServingError(task.error.code, task.error.message)  # anew: others may raise it now too
            return [task.outputs for task in tasks]
        finally:
            self._forget(queue, tasks)

    def _part(self, queue: Queue, rows: int) -> int:
        """Rows of a part of a request, which is less than all of them where other threads have nothing else to do."""
        if rows < 2 * _SHARE or not fixed(queue.servable.signatures[queue.signature]):
            return min(queue.most, rows)
        with self._changed:
            free = 0 if self._queues else len(self._threads) - self._computing
        return min(queue.most, -(-rows // max(1, min(free, rows // _SHARE))))

    def _parameters_of(self, servable: "Servable") -> BatchingParameters | None:
        return servable.batching if self._per_model else self._parameters

    def _begin_at_once(self, queue: Queue, task: Task) -> bool:
        """Whether a task may be computed in this thread, which then counts as one that computes."""
        with self._changed:
            free = not self._queues and not self._stopping and self._computing < len(self._threads)
            if not free or self._ready(queue, task) > time.monotonic():
                return False
            self._computing += 1
            return True

    def _put(self, queue: Queue, tasks: list[Task]) -> None:
        most = queue.parameters.max_enqueued_batches * queue.most
        added = sum(task.rows for task in tasks)
        if added > most:
            said = f"Task size {added} is larger than maximum input batch size {most}"
            raise ServingError(Code.INVALID_ARGUMENT, said)
        with self._changed:
            if self._stopping:
                raise _stopping()
            queue = self._queues.get(queue.key, queue)
            if queue.rows + added > most:
                said = "The batch scheduling queue to which this task was submitted is full"
                raise ServingError(Code.UNAVAILABLE, said)
            self._queues[queue.key] = queue
            queue.tasks += tasks
            self._changed.notify_all()
        self._metrics.queued(queue.servable.name, len(tasks))

    def _forget(self, queue: Queue, tasks: list[Task]) -> None:
        """Takes tasks out of their queue that nobody waits for any longer."""
        if all(task.done.is_set() for task in tasks):
            return
        with self._changed:
            if queue.key in self._queues:
                left = [task for task in self._queues[queue.key].tasks if task in tasks]
                self._remove(self._queues[queue.key], left)

    def _remove(self, queue: Queue, tasks: list[Task]) -> None:
        """Takes tasks out of a queue, and away the queue that is then empty."""
        gone = set(tasks)
        queue.tasks = [task for task in queue.tasks if task not in gone]
        if not queue.tasks:
            del self._queues[queue.key]
        if tasks:
            self._metrics.queued(queue.servable.name, -len(tasks))

    def _work(self) -> None:
        """What each thread does until the end."""
        while self._work_once():
            pass  # and holds nothing meanwhile: a version may be unloaded before the next batch comes

    def _work_once(self) -> bool:
        taken = self._take()
        if taken is not None:
            self._finish(*taken)
        return taken is not None

    def _finish(self, queue: Queue, batch: list[Task]) -> None:
        """Computes a batch, and notes how many rows the next one may have when the clients of this one are back."""
        begin = time.monotonic()
        self._compute(queue, batch)
        now = time.monotonic()
        with self._changed:
            self._computing -= 1
            self._expected = {key: one for key, one in self._expected.items() if one[1] > now}
            waiting = self._queues[queue.key].rows if queue.key in self._queues else 0
            rows = min(waiting + sum(task.rows for task in batch), queue.most)
            self._expected[queue.key] = rows, now + max(_RETURN, _PATIENCE * (now - begin))
            self._changed.notify_all()

    def _take(self) -> tuple[Queue, list[Task]] | None:
        """Waits for the next batch; None once there will be no more."""
        with self._changed:
            while self._queues or not self._stopping:
                now, soonest = time.monotonic(), math.inf
                free = len(self._threads) - self._computing
                queues = sorted(self._queues.values(), key=lambda queue: queue.tasks[0].arrived) if free > 0 else ()
                for queue in queues:
                    ready = self._ready(queue)
                    if ready <= now:
                        batch = queue.batch(-(-queue.rows // free))
                        self._remove(queue, batch)
                        for task in queue.tasks if free > 1 else ():
                            task.due = True
                        self._computing += 1
                        return queue, batch
                    soonest = min(soonest, ready)
                self._changed.wait(None if soonest == math.inf else soonest - now)
            return None

    def _ready(self, queue: Queue, *more: Task) -> float:
        """When the next batch of a queue, with `more` behind it, need not wait for further rows."""
        oldest, *_ = tasks = [*queue.tasks, *more]
        full = sum(task.rows for task in tasks if task.form == oldest.form) >= queue.most
        if full or oldest.form is None or oldest.due or self._stopping:
            return oldest.arrived
        rows, until = self._expected.get(queue.key, (0, 0.0))
        return max(
            oldest.arrived + queue.parameters.batch_timeout_micros / 1e6,
            until if sum(task.rows for task in tasks) < rows else 0.0,
        )

    def _compute(self, queue: Queue, batch: list[Task]) -> None:
        """Gives every task of a batch its outputs or its error."""
        now = time.monotonic()
        for task in batch:
            if task.deadline <= now:
                task.finish(error=_late())
        batch = [task for task in batch if not task.done.is_set()]
        if not batch:
            return
        try:
            found = self._run(queue, batch)
        except _NotRowsError:
            self._never_join(queue)
            for task in batch:
                task.form = None
        except Exception as error:  # whatever it is: a thread that ends would leave all later requests waiting
            error = _told(error, queue.servable.name)
            if len(batch) == 1 or error.code is Code.DEADLINE_EXCEEDED:
                for task in batch:
                    task.finish(error=error)
                return
        else:
            for task, outputs in zip(batch, found):
                task.finish(outputs=outputs)
            return
        for task in batch:  # one may be at fault, and the others shall not suffer
            self._compute(queue, [task])

    def _run(self, queue: Queue, batch: list[Task]) -> list[dict[str, np.ndarray]]:
        """One run of the model: the outputs of each task.

        Raises:
            _NotRowsError: it cannot be told which output is whose.
        """
        joins = batch[0].form is not None
        inputs = batch[0].inputs if len(batch) == 1 else joined([task.inputs for task in batch])
        rows = sum(task.rows for task in batch)
        size = rows
        if joins:
            size = next((size for size in queue.parameters.allowed_batch_sizes if size >= rows), rows)
            inputs = {name: filled(value, size) for name, value in inputs.items()}
        begin = time.monotonic()
        # Later than any of them waits: what nobody waits for any longer is not computed to its end.
        latest = max(task.deadline for task in batch)
        outputs = queue.servable.run(queue.signature, inputs, queue.outputs, max(latest - begin, 0.001))
        counted = size if joins else rows_of(inputs) or 1
        self._metrics.computed(queue.servable.name, counted, time.monotonic() - begin)
        if not joins:
            return [outputs]
        if any(value.ndim == 0 or len(value) != size for value in outputs.values()):
            raise _NotRowsError
        ends = np.cumsum([task.rows for task in batch]).tolist()
        return [
            {name: value[end - task.rows : end] for name, value in outputs.items()} for task, end in zip(batch, ends)
        ]

    def _may_join(self, queue: Queue) -> bool:
        with self._changed:
            known = self._joins.setdefault(queue.servable, {})
            if queue.signature not in known:
                signature = queue.servable.signatures[queue.signature]
                known[queue.signature] = independent(signature, queue.parameters.pad_variable_length_inputs)
            return known[queue.signature]

    def _never_join(self, queue: Queue) -> None:
        with self._changed:
            self._joins.setdefault(queue.servable, {})[queue.signature] = False


class _NotRowsError(Exception):
    """Outputs are not one row for each row of the inputs."""


def _late() -> ServingError:
    return ServingError(Code.DEADLINE_EXCEEDED, "Deadline exceeded")


def _told(error: Exception, model: str) -> ServingError:
    """What the client is told of an error."""
    if isinstance(error, ServingError):
        return error
    _log.error("a batch of model %s could not be computed", model, exc_info=error)
    return ServingError(Code.INTERNAL, f"the computation failed ({type(error).__name__})")


def _stopping() -> ServingError:
    return ServingError(Code.UNAVAILABLE, "The server is stopping")
