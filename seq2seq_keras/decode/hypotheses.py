"""What a search returns."""

from typing import Any, NamedTuple

from keras import ops


class Hypotheses(NamedTuple):
    """What a search found, best first. A row with fewer than N ends in empty ones of score -inf."""

    ids: Any
    """(B, N, L) int32, EOS included where it was said, PAD after it."""
    lengths: Any
    """(B, N) int32: ids before the padding, EOS included."""
    scores: Any
    """(B, N) float32: what the search ranks by."""
    token_log_probs: Any
    """(B, N, L) float32: log p of each id by the model, whatever controls made of it; 0 after the end."""

    @property
    def log_probs(self):
        """(B, N) float32: log p of each hypothesis, the sum over its ids; -inf for an empty one."""
        return ops.where(ops.equal(self.lengths, 0), float("-inf"), ops.sum(self.token_log_probs, axis=-1))
