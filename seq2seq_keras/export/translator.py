"""An export for CTranslate2, with the tokenizers that its pieces want."""

import importlib
import json
from pathlib import Path

import tensorflow as tf

from seq2seq_keras import tokens
from seq2seq_keras.context import EOS
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import manifest

_AS_OURS = {"min_decoding_length": 0, "return_end_token": True, "max_input_length": 0}
"""An output may be empty; its end counts in its score, in its length and among its pieces; sources are cut here."""


class Translator:
    """Strings in, strings out, by CTranslate2. `load` makes it.

    Attributes:
        engine: `ctranslate2.Translator`, for all that it can do beside.
        source, target: tokenizers.
        max_source, max_length: limits of the export.
        options: of its `translate_batch`, as the export was told to search.
        batch: texts computed at once.
    """

    def __init__(self, engine, source: tokens.Tokenizer, target: tokens.Tokenizer, settings: dict, batch: int):
        self.engine, self.source, self.target, self.batch = engine, source, target, batch
        self.max_source, self.max_length = settings["max_source"], settings["max_length"]
        self.options = settings["search"]
        self._ids = {piece: place for place, piece in enumerate(target.pieces)}

    def generate(self, texts: list[str], **options) -> list[str]:
        """The best output for each text, in order. CTranslate2 says nothing of an empty text.

        Args:
            options: of `ctranslate2.Translator.translate_batch`, such as `beam_size` and `no_repeat_ngram_size`.
        """
        results = self.translate(texts, **options)
        return self.read([result.hypotheses[0] for result in results])

    def translate(self, texts: list[str], **options) -> list:
        """`ctranslate2.TranslationResult` for each text: pieces, and scores and attention where asked for.

        Args:
            options: as of `generate`.
        """
        limits = {"max_decoding_length": self.max_length, "max_batch_size": self.batch}
        return self.engine.translate_batch(self.pieces(texts), **(_AS_OURS | limits | self.options | options))

    def score(self, texts: list[str], targets: list[str]) -> list[float]:
        """Log probability of each target, among the ids that may be said.

        Raises:
            InputError: lists of unequal length, or a target over `max_length` ids.
        """
        if len(texts) != len(targets):
            raise InputError(f"{len(texts):,} texts and {len(targets):,} targets", expected="as many")
        said = pieces(targets, self.target)
        if any(len(row) >= self.max_length for row in said):
            longest = max(map(len, said)) + 1
            raise InputError(f"a target has {longest:,} ids with its end", expected=f"at most {self.max_length}")
        results = self.engine.score_batch(self.pieces(texts), said, max_batch_size=self.batch, max_input_length=0)
        return [sum(result.log_probs) for result in results]

    def pieces(self, texts: list[str]) -> list[list[str]]:
        """Texts as the engine takes them: without the end, which it adds itself."""
        return pieces(texts, self.source, self.max_source - 1)

    def read(self, said: list[list[str]]) -> list[str]:
        """Texts of pieces."""
        ids = [[self._ids[piece] for piece in row] + [EOS] for row in said]
        if not ids:
            return []
        texts = self.target.decode(tf.ragged.constant(ids, dtype=tf.int32))
        return [text.decode("utf-8") for text in texts.numpy()]


def load(folder: str | Path, batch: int = 32, **options) -> Translator:
    """Loads what `ctranslate2.write` wrote, after a look at its manifest.

    Args:
        batch: texts computed at once.
        options: of `ctranslate2.Translator`, such as `compute_type` ("float32", "int8"), `device` and `intra_threads`.

    Raises:
        InputError: no such export, a damaged one, or `ctranslate2` is not installed.
    """
    folder, engine = Path(folder), package()
    if not (folder / "model.bin").is_file():
        found = "there is no model.bin in it" if folder.is_dir() else "there is no such folder"
        raise InputError(found, where=folder, expected="a folder exported for CTranslate2")
    manifest.verify(folder)
    extra = folder / manifest.EXTRA
    settings = json.loads((extra / "settings.json").read_bytes())
    source = tokens.load(extra / "source")
    target = tokens.load(extra / "target") if (extra / "target").is_dir() else source
    return Translator(engine.Translator(str(folder), **options), source, target, settings, batch)


def package():
    """The package `ctranslate2`.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("ctranslate2")
    except ImportError as error:
        raise InputError(
            f"CTranslate2 cannot be used ({error})", remedy="pip install 'seq2seq_keras[ctranslate2]'"
        ) from None


def pieces(texts: list[str], tokenizer: tokens.Tokenizer, most: int | None = None) -> list[list[str]]:
    """The pieces of each text, `most` at most."""
    names = tokenizer.pieces
    return [[names[place] for place in row[:most]] for row in tokenizer.encode(tokens.strings(texts)).to_list()]
