"""Greedy search in fewer looks of a large model: a small one guesses ahead, the large one checks."""

from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD, DecodeState, Nest, Stepper
from seq2seq_keras.decode import path
from seq2seq_keras.decode.draft import chosen, guess
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.places import likeliest


class Speculated(NamedTuple):
    """What was said, and how well it was guessed."""

    hypotheses: Hypotheses
    """One a source, as greedy search of the large model finds it."""
    looks: Any
    """(B,) int32: times that the large model looked before the source was finished."""
    judged: Any
    """(B,) int32: ids of the draft that the large model came to judge."""
    accepted: Any
    """(B,) int32: those of them that it said too."""

    @property
    def acceptance(self):
        """Scalar float32: share of the judged ids that were accepted, over the batch; 0 where none was judged."""
        judged, accepted = (ops.cast(ops.sum(count), "float32") for count in (self.judged, self.accepted))
        return accepted / ops.maximum(judged, 1.0)


class _Talk(NamedTuple):
    """Everything that a round changes."""

    last: Any
    """(B,) int32: the id said last, which neither model has heard."""
    ids: Any
    """(B, L) int32."""
    token_log_probs: Any
    """(B, L) float32; -inf where nothing could be said."""
    lengths: Any
    """(B,) int32."""
    ended: Any
    """(B,) bool."""
    large: Nest
    """Carry of the large model."""
    draft: Nest
    """Carry of the draft."""
    counts: tuple
    """`looks`, `judged` and `accepted` so far."""


def speculative(large: Stepper, draft: Stepper, source, max_length: int, lookahead: int = 4) -> Speculated:
    """Greedy search of `large`, whatever the draft guesses; how fast it is depends on how often that guesses right.

    In each round the draft says `lookahead` ids and the large model looks once at all of them. Those that it would
    have said itself stay, and it adds the next one. Every row goes on from its own place. The ids equal those of
    `generate(large, source, Greedy(), max_length)` as far as several steps at once round as single steps do: in
    float32 that is everywhere but at ties.

    Args:
        large: has `init_state`, `extend` and `rewind`, as a Transformer has.
        draft: any stepper over the same ids; a small one, or there is nothing to win.
        source: (B, S) int32 ids, PAD on the right.
        max_length: most ids of a hypothesis, EOS included.
        lookahead: ids guessed in a round.

    Raises:
        ValueError: `large` cannot take several steps at once, `max_length` or `lookahead` is not positive, or the
            vocabularies are of unequal size.

    Reference: Stern et al., 2018 (guess and verify); Leviathan et al., 2023 (with a small model).
    """
    for name, value in {"max_length": max_length, "lookahead": lookahead}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {value}")
    missing = [name for name in ("extend", "rewind") if getattr(large, name, None) is None]
    if missing:
        named = getattr(large, "name", type(large).__name__)
        raise ValueError(f"large must be able to take several steps at once, found {named} without {missing[0]}")
    source = ops.convert_to_tensor(source)
    batch = ops.shape(source)[0]
    starts = [stepper.init_state(source, max_length) for stepper in (large, draft)]
    last, nothing = ops.full((batch,), BOS, dtype="int32"), ops.zeros((batch,), "int32")
    # Before a guess can name an id that the large model has not; of these steps only the shapes are used.
    sizes = [stepper.step(last, start)[0].shape[-1] for stepper, start in zip((large, draft), starts, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"large and draft must have one vocabulary, found {sizes[0]} and {sizes[1]} ids")
    talk = _Talk(
        last=last,
        ids=ops.full((batch, max_length), PAD, dtype="int32"),
        token_log_probs=ops.zeros((batch, max_length), "float32"),
        lengths=nothing,
        ended=ops.zeros((batch,), "bool"),
        large=starts[0].carry,
        draft=starts[1].carry,
        counts=(nothing, nothing, nothing),
    )

    def going(*talk):
        return ops.logical_not(ops.all(_Talk(*talk).ended))

    def once(*talk):
        return tuple(_round(large, draft, [start.fixed for start in starts], _Talk(*talk), lookahead))

    talk = _Talk(*ops.while_loop(going, once, tuple(talk)))
    return Speculated(_hypotheses(talk), *talk.counts)


def _round(large, draft, fixed: list[Nest], talk: _Talk, lookahead: int) -> _Talk:
    """The draft guesses, the large model judges; rows that ended stay as they are."""
    heard, carries = guess(draft, DecodeState(talk.draft, fixed[1]), talk.last, lookahead)
    logits, after = large.extend(heard, DecodeState(talk.large, fixed[0]))  # (B, N, V), N = lookahead + 1
    log_probs, said = likeliest(ops.reshape(logits, (-1, logits.shape[-1])), 1)
    said, log_probs = (ops.reshape(leaf, ops.shape(heard)) for leaf in (said, log_probs))

    # An id counts if all the large model heard before it is what it said itself, and nothing before it was the end.
    over = ops.logical_or(ops.equal(said, EOS), ops.equal(log_probs, float("-inf")))
    right = ops.equal(said[:, :-1], heard[:, 1:])  # (B, lookahead)
    goes_on = ops.cast(ops.logical_and(right, ops.logical_not(over[:, :-1])), "int32")
    first = ops.cast(ops.logical_not(talk.ended), "int32")
    counts = ops.cumprod(ops.concatenate([ops.expand_dims(first, -1), goes_on], axis=1), axis=1)  # (B, N)
    room = ops.expand_dims(talk.ids.shape[-1] - talk.lengths, -1)
    valid = ops.logical_and(ops.equal(counts, 1), ops.arange(lookahead + 1, dtype="int32") < room)
    new = ops.sum(ops.cast(valid, "int32"), axis=1)  # (B,)
    lengths = talk.lengths + new

    last = ops.squeeze(ops.take_along_axis(said, ops.expand_dims(ops.maximum(new - 1, 0), -1), axis=1), -1)
    ended = ops.logical_or(ops.any(ops.logical_and(valid, over), axis=1), ops.equal(lengths, talk.ids.shape[-1]))
    judged = ops.cast(valid[:, :-1], "int32")
    more = (first, ops.sum(judged, axis=1), ops.sum(judged * ops.cast(right, "int32"), axis=1))
    return _Talk(
        last=last,
        ids=_placed(talk.ids, said, talk.lengths, new),
        token_log_probs=_placed(talk.token_log_probs, log_probs, talk.lengths, new),
        lengths=lengths,
        ended=ops.logical_or(talk.ended, ended),
        large=large.rewind(after, lengths).carry,
        draft=chosen(carries, new),
        counts=tuple(old + plus for old, plus in zip(talk.counts, more, strict=True)),
    )


def _placed(buffer, values, start, count):
    """`buffer` (B, L) with the first `count` (B,) of `values` (B, N) from position `start` (B,) on."""
    source = ops.arange(buffer.shape[-1], dtype="int32") - ops.expand_dims(start, -1)  # (B, L)
    here = ops.logical_and(source >= 0, source < ops.expand_dims(count, -1))
    return ops.where(here, ops.take_along_axis(values, ops.clip(source, 0, values.shape[-1] - 1), axis=1), buffer)


def _hypotheses(talk: _Talk) -> Hypotheses:
    ranks = ops.sum(talk.token_log_probs, axis=1)
    one = (talk.ids, talk.token_log_probs, ranks, talk.lengths, talk.ended)
    found = path.Path(*(ops.expand_dims(leaf, 1) for leaf in one), known=())
    return path.hypotheses(found, found.ranks)
