"""The one architecture: encoder, bridge, decoder."""

from typing import Any, NamedTuple

import keras
from keras import ops, tree

from seq2seq_keras.context import PAD, Context, DecodeState, Nest
from seq2seq_keras.objectives.coverage import CoverageLoss
from seq2seq_keras.serial import serializable


class CopyFixed(NamedTuple):
    """What stays for the whole sentence where words of the source are copied."""

    decoder: Nest
    """What stays for the decoder."""
    source: Any
    """(B, S) int32 source ids."""


@serializable
class Seq2Seq(keras.Model):
    """source ids -> encoder -> bridge -> context; context and target so far -> decoder -> logits.

    A functional Keras model: `compile`, `fit`, `evaluate`, `save` work as ever. The model owns the embedding
    tables and calls them several times, so that a shared table stays one table when the model is saved.
    Decoding sees the same layers through `init_state` and `step`.

    Args:
        embedding: `TokenTable` of the source and, unless `target_embedding` is given, of the target and the output.
        encoder: vectors to `Encoded`.
        bridge: `Encoded` to `Context`.
        decoder: `Context` and vectors to vectors; also `init_state` and `step`.
        target_embedding: `TokenTable` of target and output where each side has its own vocabulary.
        copy: `PointerGenerator` that says words of the source again; logits are log probabilities then. One
            vocabulary, a decoder with attention, and a memory with a position for each source id.
        coverage_loss: weight of `CoverageLoss` in training, for a decoder with attention; 0 is without.

    Call:
        inputs: dict of `source` (B, S) int32 and `target` (B, T) int32: BOS, then the target so far. PAD on the right.
        returns: (B, T, V) float32 logits of the next token.

    Raises:
        ValueError: copying or a coverage loss without attention, copying between two vocabularies, a negative loss.
    """

    def __init__(
        self,
        embedding,
        encoder,
        bridge,
        decoder,
        target_embedding=None,
        copy=None,
        coverage_loss: float = 0.0,
        name="seq2seq",
    ):
        if coverage_loss < 0:
            raise ValueError(f"coverage_loss must be at least 0, found {coverage_loss}")
        looks = copy is not None or coverage_loss > 0
        if looks and getattr(decoder, "alignment", None) is None:
            raise ValueError(f"copy and coverage_loss need a decoder with attention, found {type(decoder).__name__}")
        if copy is not None and _shortens(encoder, bridge):
            raise ValueError("copy needs a memory of one vector for each source position; encoder or bridge has fewer")
        if copy is not None and target_embedding is not None:
            raise ValueError("copy needs one vocabulary for source and target, found a target_embedding")
        source = keras.Input((None,), dtype="int32", name="source")
        target = keras.Input((None,), dtype="int32", name="target")
        table = embedding if target_embedding is None else target_embedding
        encoded = encoder(embedding(source), real=ops.not_equal(source, PAD))
        heard = table(target)
        if looks:
            vectors, weights = decoder(heard, bridge(encoded), looked=True)
        else:
            vectors = decoder(heard, bridge(encoded))
        if coverage_loss:
            vectors = CoverageLoss(coverage_loss, name="coverage")(vectors, weights, ops.not_equal(target, PAD))
        logits = table.score(vectors)
        if copy is not None:
            logits = copy(logits, vectors, heard, weights, source)

        super().__init__(inputs={"source": source, "target": target}, outputs=logits, name=name)
        self.dtype_policy = embedding.dtype_policy  # its own would be the global one of the day it is loaded

        self.embedding, self.target_embedding = embedding, target_embedding
        self.encoder, self.bridge, self.decoder = encoder, bridge, decoder
        self.copy, self.coverage_loss = copy, coverage_loss

    def encode(self, source) -> Context:
        """(B, S) int32 source ids to the context c = m(h_1..h_S)."""
        return self.bridge(self.encoder(self.embedding(source), real=ops.not_equal(source, PAD)))

    def train_step(self, data):
        """As Keras has it; but a loss that wants other inputs in training than the true beginnings makes them itself,
        before the pass: `loss.inputs(model, x)`; and an optimizer that weighs batches is told the labels:
        `optimizer.weigh(y)`."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        inputs = getattr(self.loss, "inputs", None)
        if inputs is not None:
            data = (inputs(self, x), y, weights)
        self.weigh(y)
        return super().train_step(data)

    def weigh(self, y) -> None:
        """Tells the labels of the batch at hand, (B, T) int, to an optimizer that weighs batches."""
        optimizer = self.optimizer
        while optimizer is not None:
            if hasattr(optimizer, "weigh"):
                optimizer.weigh(y)
            optimizer = getattr(optimizer, "inner_optimizer", None)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """As Keras has it; but a loss that wants other predictions in training than those of one pass under teacher
        forcing makes them itself, from the model: `loss.predictions(model, x, y_pred)`."""
        predictions = getattr(self.loss, "predictions", None)
        if training and predictions is not None:
            y_pred = predictions(self, x, y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def init_state(self, source, max_length: int) -> DecodeState:
        """(B, S) int32 source ids to the state before the first step.

        Args:
            max_length: most steps that will be taken; caches are made for so many.
        """
        state = self.decoder.init_state(self.encode(source), max_length)
        if self.copy is None:
            return state
        return state._replace(fixed=CopyFixed(state.fixed, ops.cast(source, "int32")))

    def step(self, ids, state: DecodeState, score=None):
        """(B,) int32 ids just chosen (BOS first) to (B, V) float32 logits of the next one, and the next state.

        Args:
            score: another way to compute the `score` of `table`.
        """
        heard = self.table(ids)
        outputs, after = self.decoder.step(heard, self._of_decoder(state))
        logits = (score or self.table.score)(outputs)
        if self.copy is not None:
            logits = self.copy(logits, outputs, heard, self.decoder.alignment(after), state.fixed.source)
        return logits, after._replace(fixed=state.fixed)

    @property
    def table(self):
        """The `TokenTable` of target and output."""
        return self.embedding if self.target_embedding is None else self.target_embedding

    @property
    def branch(self):
        """How a state before the first step gets so many rows a source, which may go on from one another's beginnings
        without a copy of them, by (state, rows); None where rows are independent."""
        return getattr(self.decoder, "branch", None)

    @property
    def lengthen(self):
        """How a state that `branch` made gets room for more steps, by (state, max_length); None where it needs none."""
        return getattr(self.decoder, "lengthen", None)

    @property
    def shares_fixed(self) -> bool:
        """Whether the rows of one source can share the part of a state that never changes."""
        return self.copy is None and getattr(self.decoder, "shares_fixed", False)

    @property
    def extend(self):
        """Several steps at once: (ids (B, N) int32, state), N static, to (logits (B, N, V) float32 after each id,
        state); None where the decoder takes one step at a time."""
        return self._extend if self.copy is None and hasattr(self.decoder, "extend") else None

    @property
    def rewind(self):
        """How a state goes back to an earlier one: (state, (B,) int32 steps taken until then) to that state; None
        where the decoder forgets."""
        return getattr(self.decoder, "rewind", None) if self.copy is None else None

    @property
    def alignment(self):
        """Where the step that led to a state looked, state to (B, S) float32; None without attention, and where the
        memory has fewer vectors than the source has positions."""
        says = getattr(self.decoder, "alignment", None) is not None and not _shortens(self.encoder, self.bridge)
        return self._alignment if says else None

    @property
    def has_attention(self) -> bool:
        """Whether the decoder can say where it looked."""
        return self.alignment is not None

    def attention(self, source, target):
        """Where each step looked while the target was forced upon it.

        Args:
            source: (B, S) int32.
            target: (B, T) int32, T static: BOS first, PAD on the right.

        Returns:
            (B, T, S) float32: rows over S that sum to 1, and rows of 0 where the longest target has ended.

        Raises:
            ValueError: the decoder has no attention, or the target no static length.
        """
        if not self.has_attention:
            raise ValueError(f"{type(self.decoder).__name__} has no attention to show")
        target = ops.cast(ops.convert_to_tensor(target), "int32")
        if target.shape[1] is None:
            raise ValueError("target must have a static length; pad it to one")
        places = ops.arange(target.shape[1], dtype="int32")
        longest = ops.max(ops.where(ops.not_equal(target, PAD), places + 1, 0))
        start = self.init_state(source, target.shape[1])

        def step(time, carry, maps):
            _, after = self.step(ops.take(target, time, axis=1), DecodeState(carry, start.fixed))
            here = ops.reshape(ops.equal(places, time), (1, -1, 1))
            looked = ops.cast(ops.expand_dims(self.alignment(after), 1), "float32")  # (B, 1, S)
            return ops.add(time, 1), after.carry, ops.where(here, looked, maps)

        nothing = ops.zeros((ops.shape(source)[0], target.shape[1], ops.shape(source)[1]), "float32")
        begin = (ops.convert_to_tensor(0, "int32"), start.carry, nothing)
        return ops.while_loop(lambda time, *_: ops.less(time, longest), step, begin)[-1]

    def encoder_model(self) -> keras.Model:
        """The encoder and bridge as a Keras model of their own: source ids to `Context`, over the same layers."""
        source = keras.Input((None,), dtype="int32", name="source")
        return keras.Model(source, self.encode(source), name="encoder_model")

    def decoder_model(self, max_length: int) -> keras.Model:
        """One decoder step as a Keras model of its own: [ids, state] to [logits, state], over the same layers.

        Args:
            max_length: most steps that will be taken with it.
        """
        source = keras.Input((None,), dtype="int32")
        ids = keras.Input((), dtype="int32", name="ids")
        state = tree.map_structure(
            lambda leaf: keras.Input(batch_shape=leaf.shape, dtype=leaf.dtype),
            self.init_state(source, max_length),
        )
        logits, after = self.step(ids, state)
        return keras.Model([ids, state], [logits, after], name="decoder_model")

    def _alignment(self, state: DecodeState):
        return self.decoder.alignment(self._of_decoder(state))

    def _of_decoder(self, state: DecodeState) -> DecodeState:
        return state if self.copy is None else state._replace(fixed=state.fixed.decoder)

    def _extend(self, ids, state: DecodeState):
        outputs, state = self.decoder.extend(self.table(ids), state)
        return self.table.score(outputs), state


def _shortens(encoder, bridge) -> bool:
    """Whether one vector of the memory stands for several positions of the source."""
    return any(getattr(part, "shortens", False) for part in (encoder, bridge))
