"""The questions, what is usually claimed, and which models answer them."""

import dataclasses

from pipelines.settings import Study
from pipelines.study.question import Expected, Question, epochs, minutes

_EPOCHS = 20
"""Of a study that is not told how long to train."""


def of(settings: Study) -> Question:
    """The question a user asks, with the budget that was given, or else its own."""
    asked = _QUESTIONS[settings.name](settings)
    given = []
    if settings.epochs:
        given.append(epochs(settings.epochs))
    if settings.minutes:
        given.append(minutes(settings.minutes))
    own = [epochs(_EPOCHS), minutes(1.0)] if asked.equal else [epochs(_EPOCHS)]
    return dataclasses.replace(asked, budgets=tuple(given or own))


def _layers(settings: Study) -> dict:
    """As many for every family, whose own differ."""
    return {"model.depth": settings.model.depth or 1}


def _gradients(settings: Study) -> Question:
    # One layer, from left to right, and one fixed context: all that the encoder is taught comes through its last state.
    plain = {"model.family": "lstm", "model.depth": 1, "model.bidirectional": False, "model.reverse": False}
    plain |= {"model.bridge": "copy", "precision": "float32"}
    return Question(
        "how does the norm of dL/dh_t fall or grow with the distance through time?",
        "gradients of a simple RNN vanish or explode with distance, gates keep them alive, and clipping makes "
        "exploding ones harmless (Bengio et al., 1994; Hochreiter and Schmidhuber, 1997; Pascanu et al., 2013)",
        {
            name: plain | {"model.cell": cell, "clip": clip}
            for cell in ("rnn", "gru", "lstm")
            for name, clip in ((cell, 0.0), (f"{cell}, clipped", 1.0))
        },
        (
            Expected("lstm", "rnn"),
            Expected("lstm", "rnn", "right"),
            Expected("gru", "rnn", "right"),
            Expected("rnn x2, clipped", "rnn x2", "right"),
            Expected("rnn, clipped", "rnn"),
            Expected("lstm", "rnn", "unsteadiness_first"),
            Expected("lstm", "rnn", "unsteadiness"),
        ),
        columns=(
            *("factor_first", "factor", "oldest_first", "oldest", "largest", "right"),
            *("", "perplexity", "parameters", "seconds"),
        ),
    )


def _length(settings: Study) -> Question:
    model = settings.model
    both = {"model.bidirectional": True} | _layers(settings)
    # The family of its own has narrower tables, an output of its own, and another cell.
    told = {"model.cell": model.cell or "lstm", "model.embedding": model.embedding or model.width}
    told["model.tied"] = True if model.tied is None else model.tied
    return Question(
        "how does quality depend on the length of the source, with one fixed vector and with attention?",
        "one fixed vector is a bottleneck: it loses more than attention does from short sources to long ones "
        "(Cho et al., 2014; Bahdanau et al., 2015)",
        {
            "fixed context": {"model.family": "lstm"} | both,
            "fixed context at every step": {"model.family": "cho"} | both | told,
            "attention": {"model.family": "attention"} | both,
        },
        (
            Expected("attention", "fixed context"),
            Expected("attention", "fixed context at every step"),
            Expected("attention", "fixed context", "lost"),
            Expected("attention", "fixed context at every step", "lost"),
        ),
        columns=("", "lost", "perplexity", "parameters", "seconds"),
    )


def _depth(settings: Study) -> Question:
    names = {1: "1 layer", 2: "2 layers", 3: "3 layers", 4: "4 layers"}
    return Question(
        "what are 1, 2, 3 and 4 layers a side worth?",
        "deeper is better, each layer of the first four lowers the perplexity (Sutskever et al., 2014)",
        {name: {"model.depth": depth} for depth, name in names.items()},
        tuple(Expected(names[depth], "1 layer") for depth in (2, 3, 4)),
    )


def _directions(settings: Study) -> Question:
    plain, attentive = ({"model.family": family} | _layers(settings) for family in ("lstm", "attention"))
    return Question(
        "what is an encoder worth that reads in both directions, of the same width?",
        "reading in both directions is better, since every position then knows what comes after it (Schuster and "
        "Paliwal, 1997; Bahdanau et al., 2015)",
        {
            "fixed context, one": plain | {"model.bidirectional": False},
            "fixed context, both": plain | {"model.bidirectional": True},
            "attention, one": attentive | {"model.bidirectional": False},
            "attention, both": attentive | {"model.bidirectional": True},
        },
        (
            Expected("fixed context, both", "fixed context, one"),
            Expected("attention, both", "attention, one"),
        ),
    )


def _reversal(settings: Study) -> Question:
    way = {"model.bidirectional": False, "model.reverse": False} | _layers(settings)
    plain, attentive = ({"model.family": family} | way for family in ("lstm", "attention"))
    return Question(
        "what is reading the source backwards worth?",
        "with a fixed context a reversed source is better: its first words stand near the first of the target "
        "(Sutskever et al., 2014); attention does not need it",
        {
            "fixed context": plain,
            "fixed context, reversed": plain | {"model.reverse": True},
            "attention": attentive,
            "attention, reversed": attentive | {"model.reverse": True},
        },
        (
            Expected("fixed context, reversed", "fixed context"),
            Expected("attention, reversed", "attention", alike=True),
        ),
    )


def _forcing(settings: Study) -> Question:
    fall = 1 / (settings.epochs or _EPOCHS)
    remark = f"Scheduled sampling: the share of right words falls by {fall:.3g} an epoch, to 0 after {1 / fall:.0f}"
    return Question(
        "what are teacher forcing, scheduled sampling and free running worth?",
        "a model that only ever saw right beginnings is thrown by its own mistakes, so that scheduled sampling is "
        "better than teacher forcing; free running from the first step learns slowly (Bengio et al., 2015)",
        {
            "teacher forcing": {},
            "scheduled sampling": {"objective.sampling": "linear", "objective.sampling_k": fall},
            "free running": {"objective.sampling": "constant", "objective.sampling_k": 0.0},
        },
        (
            Expected("scheduled sampling", "teacher forcing"),
            Expected("teacher forcing", "free running"),
            Expected("teacher forcing", "free running", "reached"),
        ),
        columns=("", "perplexity", "reached", "seconds"),
        exposed=True,
        remarks=(f"{remark}, whatever the time suffices for." if settings.minutes else f"{remark}.",),
    )


def _embeddings(settings: Study) -> Question:
    files = {"source_vectors": settings.source_vectors, "target_vectors": settings.target_vectors}
    return Question(
        "what are embeddings worth that were trained on other text?",
        "with little data pretrained embeddings are better than those learned from nothing, and better tuned than "
        "frozen (Qi et al., 2018)",
        {
            "learned": files | {"vectors": "learned"},
            "pretrained, tuned": files | {"vectors": "tuned"},
            "pretrained, frozen": files | {"vectors": "frozen"},
        },
        (
            Expected("pretrained, tuned", "learned"),
            Expected("pretrained, frozen", "learned"),
            Expected("pretrained, tuned", "pretrained, frozen"),
        ),
    )


def _families(settings: Study) -> Question:
    return Question(
        "which family is best at equal parameters, after equal epochs and after equal time?",
        "gates beat the simple RNN, attention beats one fixed vector (Bahdanau et al., 2015), and the Transformer "
        "beats them all and is faster to train (Vaswani et al., 2017)",
        {
            "RNN": {"model.family": "lstm", "model.cell": "rnn"},
            "LSTM": {"model.family": "lstm"},
            "attention LSTM": {"model.family": "attention"},
            "Transformer": {"model.family": "transformer"},
        },
        (
            Expected("LSTM", "RNN"),
            Expected("attention LSTM", "LSTM"),
            Expected("Transformer", "attention LSTM"),
            Expected("Transformer", "attention LSTM", "rate"),
        ),
        columns=("", "perplexity", "parameters", "width", "rate", "seconds"),
        equal=True,
    )


_QUESTIONS = {
    "gradients": _gradients,
    "length": _length,
    "depth": _depth,
    "directions": _directions,
    "reversal": _reversal,
    "forcing": _forcing,
    "embeddings": _embeddings,
    "families": _families,
}
