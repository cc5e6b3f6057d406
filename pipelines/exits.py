"""What the exit code of a command says: the one place where it is written down.

| code | meaning |
| --- | --- |
| 0 | done |
| 2 | a mistake of the user's, or nothing that can be gone on with: the one line on standard error names the remedy |
| 3 | more rows of a corpus cannot be used than `max_reject_fraction` allows |
| 4 | every checkpoint of the run is damaged: restore one from a copy |
| 5 | another worker of the training is gone or does not answer: start all again, and they resume |
| 130, 143 | stopped by SIGINT, SIGTERM; a training run has saved its state, and the same command resumes it |
| 141 | whoever read the output went away |

Any other code is a fault of the program or of the machine, with a traceback; what was saved is whole, and the same
command resumes a training run.
"""

from seq2seq_keras.errors import AllDamaged, InputError, TooManyRejects, WorkerLost

MISTAKE, REJECTS, DAMAGED, LOST = 2, 3, 4, 5
INTERRUPTED, UNREAD = 130, 141


def of(error: InputError) -> int:
    """The exit code for a mistake."""
    return {TooManyRejects: REJECTS, AllDamaged: DAMAGED, WorkerLost: LOST}.get(type(error), MISTAKE)
