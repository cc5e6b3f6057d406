"""Beginnings that grow side by side, and the best of the hypotheses they end in. Every kind of beam is made of them.

Both are `Hypotheses`. The scores of beginnings are sums of what each id was ranked by, -inf where a place of the beam
is empty; the scores of what ended are divided by the penalty.
"""

from keras import ops, tree

from seq2seq_keras.context import EOS, PAD, Nest, Tensor
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.places import top_k, write


def check_sizes(name: str, size: int, n_best: int) -> None:
    """Refuses a beam, or a bank of it, without places, or of which more is to be returned than it has.

    Args:
        name: what the caller calls its size.
    """
    if size < 1:
        raise ValueError(f"{name} must be at least 1, found {size}")
    if not 1 <= n_best <= size:
        raise ValueError(f"n_best must be from 1 to the {name} {size}, found {n_best}")


def empty(scores: Tensor, max_length: int) -> Hypotheses:
    """Hypotheses that hold nothing yet, with these (B, N) float32 scores."""
    batch, count = ops.shape(scores)
    return Hypotheses(
        ids=ops.full((batch, count, max_length), PAD, dtype="int32"),
        lengths=ops.zeros((batch, count), "int32"),
        scores=scores,
        token_log_probs=ops.zeros((batch, count, max_length), "float32"),
    )


def none(batch: Tensor, count: int, max_length: int) -> Hypotheses:
    """`count` places for each of `batch` sources, where nothing was found yet."""
    return empty(ops.full((batch, count), float("-inf"), dtype="float32"), max_length)


def grow(
    growing: Hypotheses, rows: Tensor, time: Tensor, ids: Tensor, scores: Tensor, log_probs: Tensor
) -> tuple[Hypotheses, Hypotheses]:
    """Takes one step.

    Args:
        growing: (B, K) beginnings.
        rows: (B*K,) int32 from `picked`: the beginning that each new one continues.
        time: scalar int32, where the new id is written.
        ids, scores, log_probs: (B, K): the id said, the new sum of ranks, and log p of the id.

    Returns:
        those that go on and those that said EOS, each with scores of -inf where the other has them.
    """
    grown = Hypotheses(
        ids=write(chosen(growing.ids, rows), time, ids),
        lengths=growing.lengths + 1,
        scores=scores,
        token_log_probs=write(chosen(growing.token_log_probs, rows), time, log_probs),
    )
    over = ops.equal(ids, EOS)
    return (
        grown._replace(scores=ops.where(over, float("-inf"), scores)),
        grown._replace(scores=ops.where(over, scores, float("-inf"))),
    )


def ranked(ending: Hypotheses, length_penalty: float) -> Hypotheses:
    """Sums of ranks to scores: divided by the penalty of the length."""
    return ending._replace(scores=ending.scores / penalty(ending.lengths, length_penalty))


def penalty(length: Tensor, length_penalty: float) -> Tensor:
    """((5 + length) / 6)^length_penalty, of Wu et al., 2016, equation 14."""
    return ops.power((5.0 + ops.cast(length, "float32")) / 6.0, length_penalty)


def best(kept: Hypotheses, new: Hypotheses) -> Hypotheses:
    """The best of both, as many as are kept, best first. A tie does not replace what is kept.

    Args:
        kept: (B, N), best first.
        new: (B, M); one of score -inf is none.
    """
    without = kept._replace(scores=()), emptied(new)._replace(scores=())
    found, scores = best_by(*without, kept.scores, new.scores)
    return found._replace(scores=scores)


def best_by(kept: Nest, new: Nest, kept_keys: Tensor, new_keys: Tensor) -> tuple[Nest, Tensor]:
    """Leaves (B, N, ...) of those with the highest keys among leaves (B, N, ...) and (B, M, ...), and their keys.

    Args:
        kept_keys, new_keys: (B, N) and (B, M) float32.
    """
    count, total = kept_keys.shape[1], kept_keys.shape[1] + new_keys.shape[1]
    keys, places = top_k(ops.concatenate([kept_keys, new_keys], axis=1), count)
    rows = picked(places, total)

    def of_both(old, fresh):
        return chosen(ops.concatenate([old, fresh], axis=1), rows, count)

    return tree.map_structure(of_both, kept, new), keys


def emptied(new: Hypotheses) -> Hypotheses:
    """The same, with nothing in those of score -inf."""
    real = ops.greater(new.scores, float("-inf"))
    return Hypotheses(
        ids=ops.where(ops.expand_dims(real, -1), new.ids, PAD),
        lengths=ops.where(real, new.lengths, 0),
        scores=new.scores,
        token_log_probs=ops.where(ops.expand_dims(real, -1), new.token_log_probs, 0.0),
    )


def where_none_ended(growing: Hypotheses, ended: Hypotheses) -> Hypotheses:
    """The beginnings, of score -inf for the sources of which a hypothesis ended."""
    nothing = ops.all(ops.equal(ended.lengths, 0), axis=1, keepdims=True)  # (B, 1)
    return growing._replace(scores=ops.where(nothing, growing.scores, float("-inf")))


def settled(growing: Hypotheses, ended: Hypotheses, length_penalty: float) -> Tensor:
    """(B,) bool: nothing that grows can overtake what is kept, whatever it may say.

    log p only falls and the penalty only grows: the most a beginning can reach is what it has now, divided by the
    penalty of the full length.
    """
    reachable = growing.scores / penalty(growing.ids.shape[-1], length_penalty)  # (B, K)
    return ops.all(ops.less_equal(reachable, ended.scores[:, -1:]), axis=1)


def picked(places: Tensor, count: int) -> Tensor:
    """Places (B, N) among `count` of each source to rows (B*N,) among all of them."""
    batch = ops.arange(ops.shape(places)[0], dtype="int32")
    return ops.reshape(places + ops.expand_dims(batch, -1) * count, (-1,))


def chosen(leaf: Tensor, rows: Tensor, count: int | None = None) -> Tensor:
    """(B, M, ...) to (B, N, ...): the rows from `picked`, N = `count` of each source, or M."""
    tail = tuple(ops.shape(leaf)[2:])
    return ops.reshape(ops.take(ops.reshape(leaf, (-1, *tail)), rows, axis=0), (-1, count or leaf.shape[1], *tail))


def regrouped(nest: Nest, size: int) -> Nest:
    """Leaves (B, N, ...) to (B*N/size, size, ...): groups as if they were sources, or the way back."""
    return tree.map_structure(lambda leaf: ops.reshape(leaf, (-1, size, *tuple(ops.shape(leaf)[2:]))), nest)
