"""Steppers without a model: what search finds in them can be read."""

import itertools

import numpy as np
from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD, DecodeState

ALPHABET = ["<pad>", "<unk>", "<bos>", "<eos>", *"abcdefghijklmnopqrstuvwxyz"]


def read(ids) -> str:
    """Ids to a word; `.` is EOS, and padding shows as `_`."""
    return "".join({PAD: "_", BOS: "^", EOS: "."}.get(int(i)) or ALPHABET[int(i)] for i in ids)


def letters(word: str) -> list[int]:
    """A word to ids; `.` is EOS."""
    return [EOS if letter == "." else ALPHABET.index(letter) for letter in word]


class Tree:
    """A stepper that knows every probability by heart: p(next | what was said), from a table of beginnings.

    What a row said is kept in its carry, one digit of a number in base V a step, so that a search which
    reorders its rows wrongly is found out.

    Args:
        tables: one a source: {beginning: {letter: probability}}, `.` for EOS. A source names its table.
    """

    def __init__(self, tables: list[dict[str, dict[str, float]]], max_length: int):
        size = len(ALPHABET)
        self.keys = sorted({beginning for table in tables for beginning in table})
        self.known = np.full((len(self.keys),), 0, "int64")
        self.logits = np.full((len(tables), len(self.keys) + 1, size), -np.inf, "float32")
        self.logits[:, -1, EOS] = 0.0  # an unknown beginning ends
        for place, beginning in enumerate(self.keys):
            self.known[place] = code(letters(beginning))
            for row, table in enumerate(tables):
                for letter, probability in table.get(beginning, {".": 1.0}).items():
                    self.logits[row, place, letters(letter)[0]] = np.log(probability)
        self.steps = 0

    def init_state(self, source, max_length):
        said = ops.cast(ops.zeros_like(source[:, 0]), "int64")
        return DecodeState(carry=[said], fixed={"which": source[:, 0]})

    def step(self, ids, state):
        self.steps += 1
        (said,), which = state.carry, state.fixed["which"]
        said = ops.where(ops.equal(ids, BOS), 0, said * len(ALPHABET) + ops.cast(ids, "int64"))
        hit = ops.equal(ops.expand_dims(said, -1), self.known)
        place = ops.where(ops.any(hit, axis=-1), ops.argmax(ops.cast(hit, "int32"), axis=-1), len(self.keys))
        flat = ops.reshape(ops.convert_to_tensor(self.logits), (-1, len(ALPHABET)))
        rows = which * (len(self.keys) + 1) + ops.cast(place, "int32")
        return ops.take(flat, rows, axis=0), DecodeState([said], state.fixed)


def code(ids) -> int:
    """What `Tree` keeps of the ids said."""
    number = 0
    for i in ids:
        number = number * len(ALPHABET) + i
    return number


class Table:
    """A stepper over a tiny vocabulary: logits of a source, of the last two ids and of the time.

    Args:
        logits: (N, L, V, V, V) float: source, time, id before the last, last id, next id.
    """

    def __init__(self, logits: np.ndarray):
        self.logits = logits.astype("float32")

    def init_state(self, source, max_length):
        nothing = ops.zeros_like(source[:, 0])
        return DecodeState(carry=(nothing, nothing), fixed=(source[:, 0],))

    def step(self, ids, state):
        (last, time), (which,) = state.carry, state.fixed
        _, length, size, *_ = self.logits.shape
        flat = ops.reshape(ops.convert_to_tensor(self.logits), (-1, size))
        rows = ((which * length + time) * size + last) * size + ids
        return ops.take(flat, rows, axis=0), DecodeState((ids, time + 1), state.fixed)

    def log_probs(self, which: int, ids) -> list[float]:
        """log p of each id, by NumPy in float64."""
        last, now, found = PAD, BOS, []
        for time, following in enumerate(ids):
            row = self.logits[which, time, last, now].astype("float64")
            row = row - row.max()
            found.append(float(row[following] - np.log(np.exp(row).sum())))
            last, now = now, following
        return found


def exhaustive(table: Table, which: int, max_length: int, length_penalty: float) -> list[tuple[float, tuple]]:
    """Every hypothesis that ends within the length as (score, ids), best first."""
    size = table.logits.shape[-1]
    inner = [i for i in range(size) if i not in (PAD, BOS, EOS)]
    ended = [(*word, EOS) for length in range(max_length) for word in itertools.product(inner, repeat=length)]
    scored = [(sum(table.log_probs(which, ids)) / ((5 + len(ids)) / 6) ** length_penalty, ids) for ids in ended]
    return sorted(scored, reverse=True)
