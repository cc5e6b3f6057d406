"""Ports to listen at."""

import socket

from seq2seq_keras.errors import InputError


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address and does not listen yet.

    Raises:
        InputError: the address cannot be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio turns Nagle's algorithm off only then, and without that the second part of an
    # answer waits 40 ms for the client to acknowledge the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise taken(f"{host}:{port}", error) from None
    return listener


def taken(address: str, error: OSError) -> InputError:
    """Why an address cannot be listened at."""
    return InputError(f"cannot listen ({error.strerror})", where=address, remedy="choose another port")
