"""Which recurrence a layer computes, as a value."""

import keras

from seq2seq_keras.serial import serializable

_LAYERS = {
    "rnn": (keras.layers.SimpleRNN, 1),
    "gru": (keras.layers.GRU, 1),
    "lstm": (keras.layers.LSTM, 2),
}


@serializable
class Cell:
    """h_t = f(x_t, h_(t-1)): the kind of f, and what every layer of a stack has around it.

    Where a part takes a `cell`, the name of a kind alone means that kind with nothing around it.

    Args:
        kind: `rnn` (tanh(W x + U h + b), Elman, 1990), `gru` (Cho et al., 2014; the reset gate after the recurrent
            product, as fused kernels have it) or `lstm` (Hochreiter and Schmidhuber, 1997; with forget gates).
        residual: adds its input to the output of every layer but the first (Wu et al., 2016).
        normalize: layer normalisation of what goes into every layer (Ba et al., 2016).
        recurrent_dropout: share of h_(t-1) that the gates do not see in training, the same units at every step
            (Gal and Ghahramani, 2016). Fused GPU kernels cannot do it.

    Raises:
        ValueError: another kind, or a share outside 0 to below 1.
    """

    def __init__(self, kind: str, residual: bool = False, normalize: bool = False, recurrent_dropout: float = 0.0):
        if kind not in _LAYERS:
            raise ValueError(f"cell must be one of {sorted(_LAYERS)}, found {kind!r}")
        if not 0.0 <= recurrent_dropout < 1.0:
            raise ValueError(f"recurrent_dropout must be at least 0 and below 1, found {recurrent_dropout}")
        self.kind, self.residual, self.normalize = kind, residual, normalize
        self.recurrent_dropout = recurrent_dropout

    @classmethod
    def of(cls, cell: "str | Cell") -> "Cell":
        """The cell itself, or the plain one of that name."""
        return cell if isinstance(cell, Cell) else cls(cell)

    @property
    def states(self) -> int:
        """How many states a layer hands on: an LSTM two (h, c), the others one."""
        return _LAYERS[self.kind][1]

    def layer(self, units: int, name: str) -> keras.layers.RNN:
        """A whole-sequence layer that returns outputs and states; its `.cell` is the same recurrence, one step.

        Args:
            units: width of outputs and of each state.
            name: of the layer.
        """
        made = _LAYERS[self.kind][0](
            units, return_sequences=True, return_state=True, recurrent_dropout=self.recurrent_dropout, name=name
        )
        # Keras gives every cell the same name, and a functional view of one step wants unique ones.
        made.cell.name = f"{name}_cell"
        return made

    def state_size(self, units: int, depth: int) -> list[list[int]]:
        """Widths of the states of a stack, one list a layer."""
        return [[units] * self.states for _ in range(depth)]
