"""The state nest of a model and its flat, named form: a signature takes and returns nothing else."""

from typing import NamedTuple

import tensorflow as tf
from keras import tree

from seq2seq_keras.context import Context, DecodeState, Nest, Tensor

IDS = tf.TensorSpec([None, None], tf.int32)
"""(B, S) source ids, PAD on the right."""


class StateSpec(NamedTuple):
    """How the state of a model looks, found by tracing."""

    nest: DecodeState
    """Leaves are `TensorSpec`: (None, ...)."""
    names: dict[str, tf.TensorSpec]
    """Specs by flat name: `carry_0`, ..., `fixed_0`, ..., in the order of the leaves."""

    def unflatten(self, leaves: dict[str, Tensor]) -> DecodeState:
        """Tensors by flat name to the nest."""
        return tree.pack_sequence_as(self.nest, [leaves[name] for name in self.names])


def trace(model, max_length: int) -> StateSpec:
    """The specs of the state before the first step, for any batch and any source length."""
    found = []

    @tf.function(input_signature=[IDS], autograph=False)
    def init_state(source):
        state = model.init_state(source, max_length)
        found.append(tree.map_structure(lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), state))
        return flatten(state)

    init_state.get_concrete_function()
    names = flatten(found[0])
    return StateSpec(found[0], {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in names.items()})


def flatten(state: DecodeState) -> dict[str, Tensor]:
    """Every leaf of the state by its flat name."""
    return named("carry", state.carry) | named("fixed", state.fixed)


def flatten_context(context: Context) -> dict[str, Tensor]:
    """`memory` (B, S, D), `mask` (B, S) and `state_0`, ...; what the model does without is left out."""
    alone = {"memory": context.memory, "mask": context.mask}
    return {name: leaf for name, leaf in alone.items() if tf.is_tensor(leaf)} | named("state", context.state)


def named(prefix: str, nest: Nest) -> dict[str, Tensor]:
    """`prefix_0`, `prefix_1`, ... in the order of the nest's leaves."""
    return {f"{prefix}_{place}": leaf for place, leaf in enumerate(tree.flatten(nest))}
