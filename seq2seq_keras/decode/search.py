"""What a search is: all that the loop knows of it."""

from typing import Any, Protocol

from seq2seq_keras.context import Nest, Tensor


class Search(Protocol):
    """Decides what is said next. Its state is a nest of tensors, batch first, of constant shape and dtype."""

    width: int
    """Rows the model runs for each source."""
    n_best: int
    """Hypotheses it returns for each source."""
    reorders: bool
    """Whether a row may continue what another row of its source said."""
    needs_attention: bool
    """Whether it must know where the model looked."""

    def begin(self, source: Tensor, max_length: int) -> Nest:
        """State before the first step, for (B, S) sources."""

    def advance(
        self, logits: Tensor, state: Nest, time: Tensor, looked: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Nest]:
        """(B*width, V) float32 logits of step `time` to ids said, rows they continue, and the next state.

        Ids and rows are (B*width,) int32; rows are None where each continues itself, which saves the reordering.
        `looked` is (B*width, S) float32, where it is needed.
        """

    def finished(self, state: Nest, time: Tensor) -> Tensor:
        """(B,) bool: further steps, from step `time` on, would change nothing for this source."""

    def finish(self, state: Nest) -> Any:
        """The result."""
