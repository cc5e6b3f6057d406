"""TensorFlow without its greetings, which go to standard error before logging can be told to be quiet.

Worker processes import this module before any other: what it does, it does when it is imported.
"""

import importlib
import os
import sys


def load_tensorflow() -> None:
    """Imports it while standard error is shut."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


load_tensorflow()
