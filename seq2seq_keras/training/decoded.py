"""What the model says, not what it would say if the truth were whispered into its ear."""

from collections.abc import Callable

import keras


class DecodedScore(keras.callbacks.Callback):
    """After each epoch: decodes sources freely, scores the text, and adds `val_NAME` to the logs.

    Put it before the callbacks that read the logs (`Best`, `TensorBoard`).

    Args:
        translate: texts to texts, with the model's weights as they are.
        sources, references: n texts each.
        score: outputs and references to figures by name.
    """

    def __init__(
        self,
        translate: Callable[[list[str]], list[str]],
        sources: list[str],
        references: list[str],
        score: Callable[[list[str], list[str]], dict[str, float]],
    ):
        super().__init__()
        self.translate, self.score = translate, score
        self.sources, self.references = list(sources), list(references)
        self.outputs: list[str] = []
        """What was said after the last epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.outputs = self.translate(self.sources)
        figures = self.score(self.outputs, self.references)
        if logs is not None:
            logs.update({f"val_{name}": float(value) for name, value in figures.items()})
