"""A recurrent layer, a task that needs its memory, and dL/dh_t: how much each moment has to say in what is learned."""

import keras
import numpy as np
import tensorflow as tf

from seq2seq_keras.recurrence import Cell

SYMBOLS = 8
"""What may have to be remembered, and as many others that tell nothing."""


def draw(random: np.random.Generator, count: int, length: int, first: bool) -> tuple[np.ndarray, np.ndarray]:
    """Recall: one symbol amid noise; the answer at the end is that symbol.

    Args:
        count: rows B.
        length: positions T.
        first: puts the symbol at the first position; else it is anywhere, so that learning can begin with short
            distances.

    Returns:
        (B, T) int32 ids below 2 * SYMBOLS, and (B,) int32 answers.
    """
    ids = random.integers(SYMBOLS, 2 * SYMBOLS, (count, length))
    answers = random.integers(0, SYMBOLS, count)
    ids[np.arange(count), 0 if first else random.integers(0, length, count)] = answers
    return ids.astype("int32"), answers.astype("int32")


class Memory:
    """One recurrent layer over one-hot ids, and an answer from its last output.

    Args:
        kind: `rnn`, `gru` or `lstm`.
        units: width of the state.
        gain: what the first recurrent weights, an orthogonal matrix, are multiplied by.
    """

    def __init__(self, kind: str, units: int, gain: float = 1.0):
        self.kind = kind
        self.layer = Cell(kind).layer(units, "memory")
        self.head = keras.layers.Dense(SYMBOLS, name="answer")
        self.layer.build((None, None, 2 * SYMBOLS))
        self.head.build((None, units))
        recurrent = self.layer.cell.recurrent_kernel
        recurrent.assign(gain * recurrent)

    @property
    def weights(self) -> list:
        """All that is trained."""
        return self.layer.trainable_variables + self.head.trainable_variables

    def answer(self, ids):
        """(B, T) ids to (B, SYMBOLS) logits."""
        return self.head(self.layer(tf.one_hot(ids, 2 * SYMBOLS))[1])

    def train(
        self, random: np.random.Generator, length: int, steps: int, rate: float, clip: float, batch: int
    ) -> np.ndarray:
        """Training on fresh rows.

        Args:
            rate: learning rate of the optimizer.
            clip: largest global norm of the gradient; 0 is none.

        Returns:
            (steps,) norm of every step's gradient, before it was clipped.
        """
        optimizer = keras.optimizers.Adam(rate, global_clipnorm=clip or None)
        optimizer.build(self.weights)

        @tf.function
        def step(ids, answers):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(_cross_entropy(answers, self.answer(ids)))
            gradients = tape.gradient(loss, self.weights)
            optimizer.apply(gradients)
            return tf.linalg.global_norm(gradients)

        return np.array([step(*draw(random, batch, length, first=False)).numpy() for _ in range(steps)])

    def right(self, ids: np.ndarray, answers: np.ndarray) -> float:
        """Share of rows answered right."""
        return float(np.mean(np.argmax(self.answer(ids), axis=-1) == answers))

    def gradients(self, ids: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Norm of dL/dh_t at every position, L the cross entropy of a row's answer; the mean over rows.

        It is the whole derivative, along all paths from h_t; the cell c_t of an LSTM is no function of h_t and keeps
        its own.

        Returns:
            (T,) float: the first position first.
        """
        sizes = self.layer.cell.state_size
        state = [tf.zeros((len(ids), size)) for size in (sizes if isinstance(sizes, (list, tuple)) else [sizes])]
        seen = []
        with tf.GradientTape() as tape:
            for inputs in tf.unstack(tf.one_hot(ids, 2 * SYMBOLS), axis=1):
                state = list(self.layer.cell(inputs, state)[1])
                tape.watch(state[0])
                seen.append(state[0])
            loss = tf.reduce_sum(_cross_entropy(answers, self.head(state[0])))
        return np.array([tf.reduce_mean(tf.norm(one, axis=-1)) for one in tape.gradient(loss, seen)])


def _cross_entropy(answers, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)
