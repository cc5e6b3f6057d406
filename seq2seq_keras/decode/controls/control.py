"""What a control is: a rule about what may be said next, for every search alike."""

from typing import Any, NamedTuple

from seq2seq_keras.context import Nest, Tensor


class Said(NamedTuple):
    """What each beginning holds so far."""

    ids: Any
    """(B, K, L) int32, PAD from `time` on."""
    time: Any
    """Scalar int32: ids that every beginning has."""


class Control:
    """Lowers what should not be said next; -inf forbids it. Subclasses are frozen dataclasses of their settings.

    A search ranks by what its controls leave, one after the other. They may lower a number and never raise one, so
    that a search which knows how much can still be reached stays right. `Hypotheses.token_log_probs` stay the
    model's own.
    """

    def begin(self, source: Tensor) -> Nest:
        """What the rule must know of each source: leaves (B, ...), handed to every call; nothing by default.

        Args:
            source: (B, S) int32 ids, PAD on the right.
        """
        return ()

    def __call__(self, ranks: Tensor, said: Said, known: Nest) -> Tensor:
        """(B, K, V) float32 to the same, lower where the rule says so.

        Args:
            said: the beginnings.
            known: from `begin`.
        """
        raise NotImplementedError
