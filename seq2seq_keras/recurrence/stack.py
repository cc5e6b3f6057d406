"""Recurrent layers on top of each other."""

from contextlib import contextmanager

import keras
from keras import ops

from seq2seq_keras.dropout import Dropout
from seq2seq_keras.recurrence.cell import Cell
from seq2seq_keras.serial import serializable


@serializable
class Stack(keras.layers.Layer):
    """Each layer reads what the one below it says: normalisation and dropout, the recurrence, then the residual.

    Args:
        cell: `rnn`, `gru`, `lstm` or a `Cell`.
        units: width D of every layer's output, both directions together.
        depth: number of layers.
        dropout: share of the inputs of every layer set to zero in training.
        both_ways: `concat` or `sum` of two recurrences that read in opposite directions; None reads left to right.

    Call:
        inputs: (B, T, E) float.
        state: where the layers begin, one list a layer, each (B, D); None begins with zeros.
        real: (B, T) bool, True where real: elsewhere the state stays. None is everywhere. (Not called `mask`: Keras
            would pass that along by itself.)
        returns: outputs (B, T, D) and the state after the last real position, one list a layer, each (B, D).

    Raises:
        ValueError: another way to join directions, or an odd width to be shared by two.
    """

    def __init__(self, cell, units: int, depth: int = 1, dropout: float = 0.0, both_ways: str | None = None, **kwargs):
        super().__init__(**kwargs)
        if both_ways not in (None, "concat", "sum"):
            raise ValueError(f"both_ways must be concat, sum or None, found {both_ways!r}")
        if both_ways == "concat" and units % 2:
            raise ValueError(f"units must be even, half for each direction; found {units}")
        self.cell, self.units, self.depth, self.dropout, self.both_ways = cell, units, depth, dropout, both_ways
        self._cell = Cell.of(cell)
        self._ways = 1 if both_ways is None else 2
        self._width = units // 2 if both_ways == "concat" else units  # of one direction
        self.layers = [self._layer(i) for i in range(depth)]
        self.norms = [keras.layers.LayerNormalization() for _ in range(depth)] if self._cell.normalize else []
        self.drops = [Dropout(dropout) for _ in range(depth)]
        self._recurrences = [cell for layer in self.layers for cell in _cells(layer)]
        self._set_recurrent_dropout(False)

    @property
    def state_size(self) -> list[list[int]]:
        return self._cell.state_size(self.units, self.depth)

    @property
    def capacity(self) -> int:
        """How many numbers are handed from one step to the next, both directions together."""
        return self._ways * self._cell.capacity(self._width, self.depth)

    def parameters(self, inputs: int) -> int:
        """How many numbers all layers learn over inputs of width E: the recurrences', and 2 E for each norm."""
        widths = [inputs] + [self.units] * (self.depth - 1)
        recurrences = sum(self._cell.parameters(width, self._width) for width in widths)
        return self._ways * recurrences + (2 * sum(widths) if self.norms else 0)

    def build(self, inputs_shape, state_shape=None, real_shape=None):
        self._read = inputs_shape[-1]
        for place, layer in enumerate(self.layers):
            if self.norms:
                self.norms[place].build(inputs_shape)
            layer.build(inputs_shape)
            inputs_shape = (*inputs_shape[:-1], self.units)

    def call(self, inputs, state=None, real=None, training=None):
        after = []
        with self._recurrent_dropout(training):
            for place, layer in enumerate(self.layers):
                given = self.drops[place](self._normed(place, inputs), training=training)
                begin = None if state is None else list(state[place])
                outputs, *final = layer(given, mask=real, initial_state=begin, training=training)
                inputs = self._joined(place, inputs, outputs)
                after.append(self._both(final) if self.both_ways else list(final))
        return inputs, after

    def step(self, inputs, state, keep=(), training=None):
        """One position, left to right: (B, E) and a state to (B, D) and the next state.

        Args:
            keep: dropout masks of the inputs of every layer at this step, from `masks`; none at inference.
            training: whether recurrent dropout is on; the step stands in `shared_dropout` then.
        """
        after = []
        for place, (layer, last) in enumerate(zip(self.layers, state)):
            given = self._normed(place, inputs)
            if keep:
                given = given * keep[place]
            outputs, new = layer.cell(given, last, training=training)
            inputs = self._joined(place, inputs, outputs)
            after.append(list(new) if isinstance(new, (list, tuple)) else [new])
        return inputs, after

    def masks(self, inputs, training=None) -> list:
        """What a loop of steps drops, drawn for all steps before it: no random state changes inside a loop.

        Args:
            inputs: (B, T, E) float; what else goes into the lowest layer comes behind it, and none of that is dropped.

        Returns:
            for every layer (B, T, width of what goes into it) float, 0 or 1 / share kept; an empty list at inference.
        """
        if not training or not self.dropout:
            return []
        rows = ops.shape(inputs)[:2]
        one, whole = (ops.ones((*rows, width), inputs.dtype) for width in (self._read - inputs.shape[-1], self.units))
        lowest = self.drops[0](ops.ones_like(inputs), training=training)
        return [ops.concatenate([lowest, one], -1), *(drop(whole, training=training) for drop in self.drops[1:])]

    @contextmanager
    def shared_dropout(self, state, training=None):
        """Around a loop of steps: masks of recurrent dropout are drawn once, before it, and forgotten after it."""
        with self._recurrent_dropout(training):
            for layer, last in zip(self.layers, state):
                layer.cell.get_recurrent_dropout_mask(last[0])
            try:
                yield
            finally:
                for layer in self.layers:
                    layer.cell.reset_recurrent_dropout_mask()

    @contextmanager
    def _recurrent_dropout(self, training):
        self._set_recurrent_dropout(training)
        try:
            yield
        finally:
            self._set_recurrent_dropout(False)

    def _set_recurrent_dropout(self, on) -> None:
        # Keras' layers draw masks, and move their seeds, whether they train or not: at inference they must not know.
        for cell in self._recurrences:
            cell.recurrent_dropout = self._cell.recurrent_dropout if on else 0.0

    def _layer(self, place: int):
        if self.both_ways is None:
            return self._cell.layer(self.units, f"layer_{place}")
        half = self._cell.layer(self._width, f"half_{place}")
        return keras.layers.Bidirectional(half, merge_mode=self.both_ways, name=f"layer_{place}")

    def _normed(self, place: int, inputs):
        return self.norms[place](inputs) if self.norms else inputs

    def _joined(self, place: int, inputs, outputs):
        return outputs + inputs if place and self._cell.residual else outputs

    def _both(self, final: list) -> list:
        """The states of both directions as one: side by side, or their sum, as the outputs are."""
        pairs = zip(final[: len(final) // 2], final[len(final) // 2 :])
        return [ops.concatenate(pair, axis=-1) if self.both_ways == "concat" else ops.add(*pair) for pair in pairs]


def _cells(layer) -> list:
    """The recurrences of a layer that reads one way or both."""
    halves = [layer.forward_layer, layer.backward_layer] if isinstance(layer, keras.layers.Bidirectional) else [layer]
    return [half.cell for half in halves]
