"""A Transformer in the format of CTranslate2, an engine of its own for fast search on CPUs and GPUs.

It takes and gives pieces: text is cut and joined outside, by the tokenizers in `assets.extra`.
"""

import json
from pathlib import Path

from seq2seq_keras.decode import Beam, Greedy
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import agreement, ctranslate2_limits, ctranslate2_spec, manifest, texts
from seq2seq_keras.export.card import Card, render
from seq2seq_keras.export.translator import Translator, load, package
from seq2seq_keras.folders import replacing
from seq2seq_keras.tokens import Tokenizer

__all__ = ["Translator", "load", "write"]

_PLACES = 1_024
"""Positions at least: so many source ids CTranslate2 takes unless it is told otherwise."""
_USE = """\
## How to load it

```python
from seq2seq_keras.export import ctranslate2

print(ctranslate2.load(FOLDER, compute_type="int8").generate(["..."]))
```

Without this package: `ctranslate2.Translator(FOLDER).translate_batch([["piece", "..."]])`. Pieces are those of the
tokenizers in `assets.extra`, of normalised text and without any special piece; the engine adds the end itself.
Weights are float32; `compute_type` says what to compute in. Padding and begin are never said, and take no part in the
probabilities. With `min_decoding_length=0, return_end_token=True` the end of an output counts as it does here. The
length penalty is CTranslate2's own, the score divided by length ^ penalty, and its beam may prefer an output cut short
to one that ends."""


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
) -> Path:
    """Exports a Transformer whole or not at all: written beside `folder`, then renamed.

    Args:
        folder: to write; must not exist.
        model: `Seq2Seq` of the Transformer family.
        source: tokenizer of the source.
        target: tokenizer of the target; None shares the source's.
        search: `Greedy()` or `Beam(...)` without controls: what `load(folder).generate` does unless told otherwise.
        max_source: most source ids, EOS included; a longer text loses its end.
        max_length: most target ids, EOS included.
        settings: how the model was made, for `settings.json`.
        card: what the model card says of data and scores.
        answers: texts and what the live model says to them; the export is kept only if CTranslate2 finds them as
            likely as the live model does.

    Returns:
        `folder`.

    Raises:
        InputError: no Transformer, or one that CTranslate2 has no words for, a search that it has not, a tokenizer of
            another model, the folder exists or cannot be written, or `ctranslate2` is not installed.
        RuntimeError: CTranslate2 computes other scores; nothing is kept.
    """
    folder = Path(folder)
    package()
    ctranslate2_limits.check(model, max_source, max_length)
    texts.check_sizes(model, source, target or source)
    limits = {"max_source": max_source, "max_length": max_length}
    how = {"search": _options(search)} | limits | {"settings": settings or {}}
    head = json.dumps(how, indent=2, ensure_ascii=False, default=str) + "\n"
    told = render(Card.of(card), _facts(model, source, target) | how["search"] | limits, _USE)
    with replacing(folder, "", "the export") as beside:
        spec = ctranslate2_spec.fill(model, source, target or source, max(_PLACES, max_source, max_length))
        spec.validate()
        spec.optimize()
        spec.save(str(beside))
        extra = beside / manifest.EXTRA
        extra.mkdir()
        source.save(extra / "source")
        if target is not None:
            target.save(extra / "target")
        (extra / "settings.json").write_text(head, encoding="utf-8")
        (extra / "card.md").write_text(told, encoding="utf-8")
        manifest.write(beside)
        if answers:
            agreement.check(beside, model, list(answers), list(answers.values()))
    return folder


def _options(search) -> dict:
    """A search in CTranslate2's words."""
    if type(search) not in (Greedy, Beam) or search.controls:
        raise InputError(
            f"CTranslate2 cannot be made to search by {search}",
            expected="greedy or beam search without controls",
            remedy="give CTranslate2's own options when it is called",
        )
    if isinstance(search, Greedy):
        return {"beam_size": 1}
    names = {"beam_size": "width", "length_penalty": "length_penalty", "coverage_penalty": "coverage_penalty"}
    return {name: getattr(search, ours) for name, ours in names.items()}


def _facts(model, source: Tokenizer, target: Tokenizer | None) -> dict:
    """Figures for the card."""
    return {
        "parameters": model.count_params(),
        "source vocabulary": f"{source.size:,} pieces, {source.kind}",
        "target vocabulary": "the same" if target is None else f"{target.size:,} pieces, {target.kind}",
    }
