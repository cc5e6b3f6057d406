"""Which recurrence a layer computes, as a value."""

from dataclasses import dataclass
from typing import NamedTuple

import keras

from seq2seq_keras.serial import serializable


class _Kind(NamedTuple):
    """What sets one kind apart."""

    layer: type
    states: int
    """How many states are handed on."""
    maps: int
    """How many linear maps of x and h there are."""
    biases: int
    """How many biases each of these has."""


_KINDS = {
    "rnn": _Kind(keras.layers.SimpleRNN, states=1, maps=1, biases=1),
    "gru": _Kind(keras.layers.GRU, states=1, maps=3, biases=2),
    "lstm": _Kind(keras.layers.LSTM, states=2, maps=4, biases=1),
}


@serializable
@dataclass(frozen=True)
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

    kind: str
    residual: bool = False
    normalize: bool = False
    recurrent_dropout: float = 0.0

    def __post_init__(self):
        if self.kind not in _KINDS:
            raise ValueError(f"cell must be one of {sorted(_KINDS)}, found {self.kind!r}")
        if not 0.0 <= self.recurrent_dropout < 1.0:
            raise ValueError(f"recurrent_dropout must be at least 0 and below 1, found {self.recurrent_dropout}")

    @classmethod
    def of(cls, cell: "str | Cell") -> "Cell":
        """The cell itself, or the plain one of that name."""
        return cell if isinstance(cell, Cell) else cls(cell)

    @property
    def states(self) -> int:
        """How many states a layer hands on: an LSTM two (h, c), the others one."""
        return _KINDS[self.kind].states

    def layer(self, units: int, name: str) -> keras.layers.RNN:
        """A whole-sequence layer that returns outputs and states; its `.cell` is the same recurrence, one step.

        Args:
            units: width of outputs and of each state.
            name: of the layer.
        """
        made = _KINDS[self.kind].layer(
            units, return_sequences=True, return_state=True, recurrent_dropout=self.recurrent_dropout, name=name
        )
        # Keras gives every cell the same name, and a functional view of one step wants unique ones.
        made.cell.name = f"{name}_cell"
        return made

    def parameters(self, inputs: int, units: int) -> int:
        """How many numbers one layer learns, what stands around it left out.

        With E inputs and D units E D + D^2 + D of them for each linear map of x and h, of which `rnn` has one, `gru`
        three and `lstm` four; fused GRU kernels have a second bias, 3 (E D + D^2 + 2 D) in all.

        Args:
            inputs: width E of x_t.
            units: width D of h_t.
        """
        kind = _KINDS[self.kind]
        return kind.maps * (inputs * units + units**2 + kind.biases * units)

    def capacity(self, units: int, depth: int = 1) -> int:
        """How many numbers a stack hands from one step to the next: all that it knows of what it has read."""
        return depth * units * self.states

    def state_size(self, units: int, depth: int) -> list[list[int]]:
        """Widths of the states of a stack, one list a layer."""
        return [[units] * self.states for _ in range(depth)]
