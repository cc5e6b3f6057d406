"""Those that share each batch: the devices of this process, and other processes here or on other machines."""

import contextlib
import json
import re
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seq2seq_keras.errors import WorkerLost
from seq2seq_keras.training.distributed_cluster import Cluster, meet

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)
"""What collective operations fail with when a peer dies, restarts, or does not answer."""
_TASK = re.compile(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)")


class Workers:
    """Processes that train one model together, each on all its devices; the first of them is the chief.

    Every process holds the model, its optimizer and all batches whole, as if it were alone: `tf.distribute` carries
    sums between them, and nothing else. What is here must be called by all of them, in the same order.

    Args:
        strategy: of `tf.distribute`; its scope is never entered, so that variables are plain ones.
        cluster: the processes; None where there is this one alone.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None):
        self.strategy, self.cluster = strategy, cluster
        self.number, self.count = (0, 1) if cluster is None else (cluster.number, len(cluster.addresses))
        self._total = tf.function(self._add, input_signature=[tf.TensorSpec([None], tf.int32)])

    @classmethod
    def devices(cls, count: int) -> "Workers":
        """This process alone, on so many devices of this machine: its accelerators, or the processor divided.

        To be called before TensorFlow did anything: a processor cannot be divided afterwards.

        Raises:
            ValueError: there are fewer accelerators, or TensorFlow has begun.
        """
        found = tf.config.list_physical_devices("GPU")
        if found and len(found) < count:
            raise ValueError(f"count must be at most the {len(found)} accelerators of this machine, found {count}")
        if not found:
            processor = tf.config.list_physical_devices("CPU")[0]
            try:
                parts = [tf.config.LogicalDeviceConfiguration()] * count
                tf.config.set_logical_device_configuration(processor, parts)
            except RuntimeError as error:
                raise ValueError(f"count must be given before TensorFlow does anything: {error}") from None
        kind = "GPU" if found else "CPU"
        return cls(tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)]))

    @classmethod
    def of_cluster(cls, cluster: Cluster, seconds: float = 60.0, same: str = "") -> "Workers":
        """This process and those that `TF_CONFIG` names, each with all devices that it sees.

        To be called before TensorFlow did anything.

        Args:
            cluster: `read_cluster` of the `TF_CONFIG` that TensorFlow will read too.
            seconds: how long to wait for processes that are not there yet.
            same: see `meet`.

        Raises:
            InputError: see `meet`.
            ValueError: TensorFlow has begun.
        """
        meet(cluster, seconds, same)
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:
            raise ValueError(f"a cluster must be joined before TensorFlow does anything: {error}") from None
        return cls(strategy, cluster)

    @property
    def chief(self) -> bool:
        """Whether this process is the one that validates, watches and writes."""
        return self.number == 0

    @property
    def replicas(self) -> int:
        """Devices of all processes: each batch is divided by so many."""
        return self.strategy.num_replicas_in_sync

    def add(self, numbers: list[int]) -> list[int]:
        """Sums over all processes of so many numbers of 32 bits, the same everywhere."""
        if self.count == 1:
            return list(numbers)
        return self._sum(np.asarray(numbers, np.int32)).tolist()

    def from_chief(self, facts):
        """What the chief holds, JSON values, given to all; what others hold is dropped."""
        content = json.dumps(facts).encode() if self.chief else b""
        size = self.add([len(content)])[0]
        return json.loads(self._bytes(content, size))

    def copy(self, variables: list[keras.Variable]) -> None:
        """Gives all processes the values that the variables have at the chief, bit for bit."""
        if self.count == 1:
            return
        for variable in variables:
            array = ops.convert_to_numpy(variable.value)
            content = self._bytes(array.tobytes() if self.chief else b"", array.nbytes)
            if not self.chief:
                variable.assign(np.frombuffer(content, array.dtype).reshape(array.shape))

    @contextlib.contextmanager
    def lost(self) -> Iterator[None]:
        """Turns what TensorFlow says where a process is missing into one line.

        Raises:
            WorkerLost: in its place.
        """
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            raise WorkerLost(
                f"worker {self.number} lost {self._named(error)}: it is gone or does not answer",
                remedy="start all workers again: they go on from the chief's last checkpoint",
            ) from error

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        with self.lost():
            return self._total(numbers).numpy()

    def _bytes(self, content: bytes, size: int) -> bytes:
        """The chief's bytes: a sum in which all others are zeros."""
        words = np.frombuffer(content.ljust(-(-size // 4) * 4, b"\0"), np.int32)
        if self.count > 1:
            words = self._sum(words)
        return words.tobytes()[:size]

    def _named(self, error: tf.errors.OpError) -> str:
        """Which worker it was, as far as TensorFlow says."""
        found = {self.cluster.place(job, int(task)) for job, task in _TASK.findall(error.message or "")}
        names = [f"worker {number} at {self.cluster.addresses[number]}" for number in sorted(found - {self.number})]
        if self.count == 2:
            names = [f"worker {1 - self.number} at {self.cluster.addresses[1 - self.number]}"]
        return " and ".join(names) or "another one"

    def _add(self, numbers):
        def one():
            context = tf.distribute.get_replica_context()
            # A process counts once, however many devices it has.
            here = tf.equal(tf.cast(context.replica_id_in_sync_group, tf.int32) % local, 0)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.where(here, numbers, 0))

        local = self.replicas // self.count
        return self.strategy.experimental_local_results(self.strategy.run(one))[0]
