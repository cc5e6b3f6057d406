"""How a request can end: TensorFlow Serving's status codes, and what they are in HTTP."""

import enum
import re


class Code(enum.IntEnum):
    """The codes that gRPC and TensorFlow share."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
"""Status of an answer by code."""
OF_HTTP = {status: code for code, status in reversed(HTTP.items())} | {
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
}
"""Code by status; where several share one, the first."""

_GRAPH = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:[^\]]*\]", re.DOTALL)
"""Nodes of the graph that TensorFlow names in its messages."""
_PATH = re.compile(r"(?<![\w/])/[^\s:'\"]*/[^\s:'\"]*")
_PREFACE = "Graph execution error:"
_LONGEST = 500


class ServingError(Exception):
    """A request that ends in an error; the message is for the client and names no file of the server.

    Args:
        code: how it ended.
        message: why.
    """

    def __init__(self, code: Code, message: str):
        super().__init__(message)
        self.code, self.message = code, message

    @classmethod
    def of_tensorflow(cls, error) -> "ServingError":
        """What a `tf.errors.OpError` says, without nodes, folders and trace."""
        lines = _PATH.sub("...", _GRAPH.sub("", str(error.message))).splitlines()
        told = (line.strip() for line in lines)
        said = next((line for line in told if line and line != _PREFACE), "the computation failed")
        return cls(Code(error.error_code), said[:_LONGEST])
