"""The one architecture: encoder, bridge, decoder."""

import keras
from keras import ops, tree

from seq2seq_keras.context import PAD, Context, DecodeState
from seq2seq_keras.serial import serializable


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

    Call:
        inputs: dict of `source` (B, S) int32 and `target` (B, T) int32: BOS, then the target so far. PAD on the right.
        returns: (B, T, V) float32 logits of the next token.
    """

    def __init__(self, embedding, encoder, bridge, decoder, target_embedding=None, name="seq2seq"):
        source = keras.Input((None,), dtype="int32", name="source")
        target = keras.Input((None,), dtype="int32", name="target")
        table = embedding if target_embedding is None else target_embedding
        encoded = encoder(embedding(source), real=ops.not_equal(source, PAD))
        vectors = decoder(table(target), bridge(encoded))
        logits = table.score(vectors)

        super().__init__(inputs={"source": source, "target": target}, outputs=logits, name=name)

        self.embedding, self.target_embedding = embedding, target_embedding
        self.encoder, self.bridge, self.decoder = encoder, bridge, decoder

    def encode(self, source) -> Context:
        """(B, S) int32 source ids to the context c = m(h_1..h_S)."""
        return self.bridge(self.encoder(self.embedding(source), real=ops.not_equal(source, PAD)))

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
        return self.decoder.init_state(self.encode(source), max_length)

    def step(self, ids, state: DecodeState):
        """(B,) int32 ids just chosen (BOS first) to (B, V) float32 logits of the next one, and the next state."""
        outputs, state = self.decoder.step(self._table(ids), state)
        return self._table.score(outputs), state

    @property
    def lengthen(self):
        """How the carry of a state gets room for more steps, by (carry, max_length); None where it needs none."""
        return getattr(self.decoder, "lengthen", None)

    @property
    def shares_fixed(self) -> bool:
        """Whether the rows of one source can share the part of a state that never changes."""
        return getattr(self.decoder, "shares_fixed", False)

    @property
    def extend(self):
        """Several steps at once: (ids (B, N) int32, state), N static, to (logits (B, N, V) float32 after each id,
        state); None where the decoder takes one step at a time."""
        return self._extend if hasattr(self.decoder, "extend") else None

    @property
    def rewind(self):
        """How a state goes back to an earlier one: (state, (B,) int32 steps taken until then) to that state; None
        where the decoder forgets."""
        return getattr(self.decoder, "rewind", None)

    @property
    def alignment(self):
        """Where the step that led to a state looked, state to (B, S) float32; None without attention."""
        return getattr(self.decoder, "alignment", None)

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

    def _extend(self, ids, state: DecodeState):
        outputs, state = self.decoder.extend(self._table(ids), state)
        return self._table.score(outputs), state

    @property
    def _table(self):
        return self.embedding if self.target_embedding is None else self.target_embedding
