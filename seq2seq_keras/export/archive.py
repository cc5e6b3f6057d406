"""Writes the folder of an export: the SavedModel, what belongs beside it, and its manifest."""

import json
from pathlib import Path

import tensorflow as tf

from seq2seq_keras.decode import parts
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import fresh, manifest, signatures, texts, unknowns, warmup
from seq2seq_keras.export.card import Card, render
from seq2seq_keras.folders import replacing
from seq2seq_keras.tokens import Tokenizer

_WARMED = 8
"""Texts in the warm-up requests."""


def write(
    folder: str | Path,
    model,
    source: Tokenizer,
    target: Tokenizer | None = None,
    *,
    search,
    max_source: int,
    max_length: int,
    settings: dict | None = None,
    card: Card | dict | None = None,
    answers: dict[str, str] | None = None,
    replace_unknown: bool = False,
) -> Path:
    """Exports a model whole or not at all: written beside `folder`, then renamed.

    Args:
        folder: to write, in the form name/version where a server reads it; must not exist.
        model: `Seq2Seq`.
        source: tokenizer of the source.
        target: tokenizer of the target; None shares the source's.
        search: of `serving_default`, `nbest` and `prefixed`; its controls are also those of `sample`.
        max_source: most source ids, EOS included; a longer text loses its end.
        max_length: most target ids, EOS included.
        settings: how the model was made, for `settings.json`.
        card: what the model card says of data and scores.
        answers: texts and what the live model says to them; the export is kept only if a fresh process agrees.
            A server warms up with them too.
        replace_unknown: names words that the vocabulary lacks by the source words that attention points at.

    Returns:
        `folder`.

    Raises:
        InputError: the folder exists or cannot be written, a tokenizer is another model's, or unknown words cannot
            be replaced: a side's units are no words, or the model has no attention.
        ValueError: the search holds tensors, which belong to one request.
        RuntimeError: a fresh process cannot run it, or answers differently; nothing is kept.
    """
    folder = Path(folder)
    texts.check_sizes(model, source, target or source)
    if replace_unknown:
        unknowns.check(model, source, target or source)
    how = {"search": parts.described(search), "replace_unknown": replace_unknown}
    how |= {"max_source": max_source, "max_length": max_length}
    beside_it = _texts(model, source, target, how, settings, Card.of(card))
    try:
        with replacing(folder, "", "the export") as beside:
            limits = (max_source, max_length)
            endpoints = _save(beside, model, source, target or source, search, *limits, replace_unknown)
            extra = beside / manifest.EXTRA
            extra.mkdir()
            warmup.write(extra, list(answers or [""])[:_WARMED], endpoints)
            source.save(extra / "source")
            if target is not None:
                target.save(extra / "target")
            for name, text in beside_it.items():
                (extra / name).write_text(text, encoding="utf-8")
            manifest.write(beside)
            if answers:
                fresh.check(beside, list(answers), list(answers.values()))
    except (tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError, tf.errors.UnavailableError) as error:
        raise InputError(f"the export cannot be written ({error.message})", where=folder) from None
    return folder


def _save(folder: Path, model, source, target, search, max_source: int, max_length: int, replace_unknown: bool) -> dict:
    """The SavedModel itself; returns its endpoints."""
    with signatures.portable(model):
        endpoints = signatures.of_ids(model, max_length)
        endpoints |= signatures.of_texts(model, source, target, search, max_source, max_length, replace_unknown)
    module = tf.Module()
    # The weights and not the model: no optimizer, no metric and no Python object of ours goes along. Were
    # anything else read by an endpoint, TensorFlow would refuse to save it.
    module.weights = [weight.value for weight in model.weights]
    module.source, module.target = source, target
    tf.saved_model.save(module, str(folder), signatures=endpoints)
    return endpoints


def _texts(model, source, target, how: dict, settings, card: Card) -> dict[str, str]:
    """Files of `assets.extra` by name. Made first, so that settings which are no JSON stop nothing half-way."""
    shared = target is None or target is source
    facts = {
        "parameters": model.count_params(),
        "source vocabulary": f"{source.size:,} pieces, {source.kind}",
        "target vocabulary": "the same" if shared else f"{target.size:,} pieces, {target.kind}",
        "search": _in_words(how["search"]),
        "most source ids": how["max_source"],
        "most target ids": how["max_length"],
    }
    if how["replace_unknown"]:
        facts["unknown words"] = "named by the source word that attention points at"
    everything = how | {"settings": settings or {}}
    return {
        "settings.json": json.dumps(everything, indent=2, ensure_ascii=False, default=str) + "\n",
        "card.md": render(card, facts),
    }


def _in_words(how: dict) -> str:
    """A described search, or a control in it, on one line."""
    said = {name: value for name, value in how.items() if value not in (None, [])}
    controls = "; ".join(map(_in_words, said.pop("controls", [])))
    line = " ".join([said.pop("kind"), ", ".join(f"{name} {value}" for name, value in said.items())]).strip()
    return f"{line}; {controls}" if controls else line
