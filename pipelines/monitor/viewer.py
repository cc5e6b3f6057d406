"""TensorBoard's own server, in this process."""

import importlib
import signal
import threading
import warnings

from pipelines.settings import Monitor
from seq2seq_keras.errors import InputError

_KEPT = "text=200,images=100,histograms=200"
"""Of each tag; TensorBoard itself would draw 10 images and texts at random."""


def serve(settings: Monitor) -> int:
    """Prints the address, and serves until SIGTERM or Ctrl-C, which both end well."""
    address = launch(settings)
    print(f"TensorBoard: {address} (Ctrl-C ends it)", flush=True)
    told = threading.Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        told.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def launch(settings: Monitor) -> str:
    """Starts the server in a thread that ends with the process.

    Returns:
        its address.

    Raises:
        InputError: the port is taken, or the host is none of this machine.
    """
    import tensorboard_data_server

    board = program().TensorBoard()
    given = ["--logdir", str(settings.folder), "--host", settings.host, "--samples_per_plugin", _KEPT]
    # Said outright: left to choose, TensorBoard prints a note about it.
    given += ["--load_fast", "true" if tensorboard_data_server.server_binary() else "false"]
    given += [] if settings.port is None else ["--port", str(settings.port)]
    board.configure(["tensorboard", *given])
    try:
        return board.launch()
    except program().TensorBoardServerException as error:
        raise InputError(" ".join(error.msg.split()), remedy="give another --port or --host") from None


def program():
    """TensorBoard's module of that name; libraries that it brings complain about each other while they load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("tensorboard.program")
