"""The nouns every part shares: special ids, what encoder, bridge and decoder hand over, what search sees.

Shape letters, the same everywhere: `B` batch, `S` source, `T` target, `D` width, `H` heads, `V` vocabulary,
`K` beams, `L` maximum length.
"""

from typing import Any, NamedTuple, Protocol

PAD, UNK, BOS, EOS = 0, 1, 2, 3
"""Ids of padding, unknown, begin and end in every vocabulary. PAD is 0, so that zero-filled tensors are padding."""

Tensor = Any
Nest = Any


class Encoded(NamedTuple):
    """What an encoder returns: the contextual vectors h_1..h_S and where it stopped."""

    sequence: Tensor
    """(B, S, D) float."""
    mask: Tensor
    """(B, S) bool, True where real."""
    state: Nest
    """Final recurrent states, one list a layer, leaves (B, D); `()` if the encoder has none."""


class Context(NamedTuple):
    """What the bridge hands over: c = m(h_1..h_S)."""

    memory: Tensor
    """(B, S, D) float, the sequence to attend to; `()` if the decoder must live without."""
    mask: Tensor
    """(B, S) bool, True where real; `()` without memory."""
    state: Nest
    """Leaves (B, ...): the trained state the decoder starts from; `()` if it starts from nothing."""


class DecodeState(NamedTuple):
    """Everything a decoder needs for its next step, as a value. Every leaf is batch first and keeps shape and dtype."""

    carry: Nest
    """Replaced by every step; search reorders it."""
    fixed: Nest
    """Never changed by a step; search repeats it once for its beams."""
    grown: Nest = ()
    """Of all rows of a source together, leaves (B, ...): a step adds to it and search never reorders it. `()` but where
    `branch` made it."""


class Encoder(Protocol):
    """A layer with `shortens` True, as a bridge may be too, gives fewer vectors than the source has positions."""

    def __call__(self, inputs: Tensor, real: Tensor, training: bool | None = None) -> Encoded:
        """(B, S, D) vectors and their (B, S) mask to `Encoded`."""


class Bridge(Protocol):
    def __call__(self, encoded: Encoded) -> Context:
        """c = m(h_1..h_S)."""


class Decoder(Protocol):
    """What every decoder has. One that can do more has it under the name that `Seq2Seq` hands on: `alignment` (and the
    option `looked` of a call), `shares_fixed`, `branch`, `lengthen`, `extend`, `rewind`."""

    def __call__(self, inputs: Tensor, context: Context, training: bool | None = None) -> Tensor:
        """Whole sequence under teacher forcing: (B, T, D) to (B, T, D)."""

    def init_state(self, context: Context, max_length: int) -> DecodeState: ...

    def step(self, inputs: Tensor, state: DecodeState) -> tuple[Tensor, DecodeState]:
        """One position: (B, D) to (B, D) and the next state."""


class Stepper(Protocol):
    """All that search needs: a `Seq2Seq`, a loaded SavedModel, an ensemble. What else `Seq2Seq` has under the names of
    `Decoder` makes search faster or lets it look, and search asks for it by `getattr`."""

    def init_state(self, source: Tensor, max_length: int) -> DecodeState:
        """(B, S) int32 source ids to the state before the first step."""

    def step(self, ids: Tensor, state: DecodeState) -> tuple[Tensor, DecodeState]:
        """(B,) int32 ids just chosen to (B, V) float32 logits and the next state."""
