"""How outputs are judged while training and at the end of a run."""

from seq2seq_keras.metrics import bleu, chrf, error_rate


class Overlap:
    """BLEU and chrF, 0 to 100: for translations.

    Args:
        tokenize: sacreBLEU's tokeniser.
    """

    def __init__(self, tokenize: str = "13a"):
        self.tokenize = tokenize

    def __call__(self, outputs: list[str], references: list[str]) -> dict[str, float]:
        rows = [references]
        return {"bleu": bleu(outputs, rows, self.tokenize).score, "chrf": chrf(outputs, rows).score}


class Edits:
    """Share of rows that are wrong (`wer`: rows spell words) and of tokens that are (`per`), in percent."""

    def __call__(self, outputs: list[str], references: list[str]) -> dict[str, float]:
        return self.several(outputs, [[reference] for reference in references])

    def several(self, outputs: list[str], references: list[list[str]]) -> dict[str, float]:
        """As a call, but any of several references is right."""
        rate = error_rate(outputs, references)
        return {"wer": 100 * rate.rows, "per": 100 * rate.tokens}


def judge(settings):
    """The judge the settings name."""
    return Edits() if settings.score == "edits" else Overlap(settings.tokenize)


def line(figures: dict) -> str:
    """Figures on one line."""
    shown = (f"{name} {value:.2f}" for name, value in figures.items() if isinstance(value, float))
    return "  ".join(shown)
