"""The recurrent cells by name, as Keras' own layers: encoders and decoders take theirs here."""

import keras

_LAYERS = {"lstm": (keras.layers.LSTM, 2), "gru": (keras.layers.GRU, 1)}


def layer(cell: str, units: int, name: str) -> keras.layers.RNN:
    """A whole-sequence layer that returns outputs and states; its `.cell` is the same recurrence, one step.

    Args:
        cell: `lstm` or `gru`.
        units: width of outputs and of each state.
        name: of the layer.

    Raises:
        ValueError: the cell is not known.
    """
    made = _find(cell)[0](units, return_sequences=True, return_state=True, name=name)
    # Keras gives every cell the same name, and a functional view of one step wants unique ones.
    made.cell.name = f"{name}_cell"
    return made


def state_size(cell: str, units: int, depth: int) -> list[list[int]]:
    """Widths of the states of a stack, one list a layer: an LSTM has two (h, c), a GRU one."""
    return [[units] * _find(cell)[1] for _ in range(depth)]


def _find(cell: str):
    if cell not in _LAYERS:
        raise ValueError(f"cell must be one of {sorted(_LAYERS)}, found {cell!r}")
    return _LAYERS[cell]
