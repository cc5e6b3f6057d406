"""Which weights of a run are kept, and what they come to on the validation pairs."""

from pipelines.steps.fitting import best_weights
from pipelines.steps.material import Material, validation
from seq2seq_keras import decode, training


def choose_weights(model, translator, material: Material, settings, judge) -> str:
    """Gives the model the best weights of the run: those of the best epoch, or the mean of the last epochs.

    Returns:
        which, in words.
    """
    best = best_weights(material, settings)
    ends = training.files(settings.output / "checkpoints", whole_epochs=True)[-settings.average :]
    if settings.average < 2 or len(ends) < 2:
        return "the best epoch" if best.restore(model) else "the last step"
    training.average(ends, model)
    if material.valid is None:
        return f"the mean of the last {len(ends)} epochs"
    mean = _watched(model, translator, material, settings, judge)
    found = best.restore(model)
    if found and best.sign * _watched(model, translator, material, settings, judge) <= best.sign * mean:
        return "the best epoch"
    training.average(ends, model)
    return f"the mean of the last {len(ends)} epochs"


def measure(model, translator, material: Material, settings, judge) -> dict:
    """Figures of the model on the validation pairs, decoded by the translator's own search."""
    if material.valid is None:
        return {}
    figures = _evaluate(model, material, settings)
    return figures | judge(translator.generate(material.valid_text.source), material.valid_text.target)


def _watched(model, translator, material: Material, settings, judge) -> float:
    """The figure that says which weights are best, for the weights as they are."""
    name = settings.monitor.removeprefix("val_")
    figures = _evaluate(model, material, settings)
    if name not in figures:
        figures |= judge(translator.generate(material.valid_text.source, decode.Greedy()), material.valid_text.target)
    return figures[name]


def _evaluate(model, material: Material, settings) -> dict:
    figures = model.evaluate(validation(material, settings), verbose=0, return_dict=True)
    return {name: float(figures[name]) for name in ("loss", "perplexity", "accuracy")}
