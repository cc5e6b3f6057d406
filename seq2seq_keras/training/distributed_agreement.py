"""What several workers must know of each other between two steps."""

import signal

import keras
import numpy as np
from keras import ops

from seq2seq_keras.training.interrupts import WATCHED, Interrupts


class Agreement:
    """Whether to go on, which signal came, and what the learning rate is, the same in every process.

    Between `__enter__` and `__exit__` signals are noted instead of obeyed; once all agree on one it is given to who
    watched for it before, such as `Checkpoints`.

    Args:
        workers: `Workers`.
        model: compiled; its `stop_training` and learning rates are those of the chief.
    """

    def __init__(self, workers, model: keras.Model):
        self.workers, self.model = workers, model
        self.stop = False
        """Whether the chief's callbacks stopped training."""
        self.signal: int | None = None
        """Number of the signal that came to any process."""
        # A schedule has no variable of this name, and is the same everywhere.
        self._rates = [v for v in model.optimizer.variables if v.name == "learning_rate"]
        self._interrupts = Interrupts()

    def reach(self) -> None:
        """Waits for all processes; then `stop`, `signal` and learning rates are theirs too."""
        chief = self.workers.chief
        rates = np.asarray([ops.convert_to_numpy(rate.value) for rate in self._rates], np.float32)
        told = self.workers.add(
            [
                int(chief and self.model.stop_training),
                *(int(self._interrupts.received == number) for number in WATCHED),
                *(rates.view(np.int32) if chief else np.zeros(len(rates), np.int32)).tolist(),
            ]
        )
        self.stop = bool(told[0])
        if not chief:
            for rate, value in zip(self._rates, np.asarray(told[1 + len(WATCHED) :], np.int32).view(np.float32)):
                rate.assign(value)
        for number, senders in zip(WATCHED, told[1:]):
            if senders and self.signal is None:
                self._pass_on(number)

    def __enter__(self) -> "Agreement":
        self._interrupts.watch()
        return self

    def __exit__(self, *_) -> None:
        self._interrupts.leave()

    def _pass_on(self, number: int) -> None:
        self.signal = number
        self._interrupts.leave()
        handler = signal.getsignal(number)
        if callable(handler) and handler is not signal.default_int_handler:
            handler(number, None)
