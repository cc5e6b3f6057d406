"""What a signature wants of a tensor, in TensorFlow Serving's words."""

from collections.abc import Sequence

from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from seq2seq_keras.serve.status import Code, ServingError


def check_shape(name: str, shape: Sequence[int], info: TensorInfo) -> None:
    """Refuses an input of another shape than the signature says, in TensorFlow Serving's words.

    Args:
        name: of the input.
        info: what the signature says of it.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    if info.tensor_shape.unknown_rank:
        return
    sizes = [dim.size for dim in info.tensor_shape.dim]
    if len(shape) != len(sizes) or not all(wanted in (-1, size) for wanted, size in zip(sizes, shape)):
        found = f"input {name} must have shape {written(sizes)} but has shape {written(shape)}"
        raise ServingError(Code.INVALID_ARGUMENT, found)


def written(sizes: Sequence[int]) -> str:
    """As in the metadata: -1 is any size."""
    return f"[{','.join(map(str, sizes))}]"


def type_name(dtype: int) -> str:
    """A type by its number, as TensorFlow's own messages have it: float, where NumPy says float32."""
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()
