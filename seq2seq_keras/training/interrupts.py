"""SIGTERM and SIGINT as a wish that is granted between two steps."""

import signal
import threading

WATCHED = (signal.SIGTERM, signal.SIGINT)


class Interrupted(SystemExit):
    """Training was told to stop and saved its state; left alone it ends the process with 128 + signal (143, 130)."""

    def __init__(self, number: int):
        super().__init__(128 + number)


class Interrupts:
    """Notes the first signal instead of dying of it. A second Ctrl-C does what it always does."""

    def __init__(self):
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def watch(self) -> None:
        """Starts to listen; only the main thread can, elsewhere this does nothing."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        self.received = None
        for number in WATCHED:
            self._before[number] = signal.signal(number, self._note)

    def leave(self) -> None:
        """Puts back what was there before; again is fine."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number, _frame) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
