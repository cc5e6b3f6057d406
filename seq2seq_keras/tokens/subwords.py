"""Learning subword pieces from text, by the sentencepiece trainer."""

import io
import tempfile
from collections.abc import Iterable

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.normal import chunks, normal
from seq2seq_keras.tokens.tokenizer import SPECIALS

_LONGEST = 100_000
"""Bytes of a text; the trainer leaves longer ones out."""
_RULES = "2581\t20\n"
"""The text is normalised already, and the one rule says what happens anyhow: U+2581 is the blank. With no rule at
all, every process that loads the model would log a line about it."""


def learn_model(texts: Iterable[str], size: int, normalize: str | None, **options) -> bytes:
    """Learns a sentencepiece model from normalised texts: the same texts give the same bytes.

    Args:
        size: most pieces, specials included; fewer where the texts do not hold so many.
        options: of the trainer.

    Raises:
        InputError: no text, or a size too small for the characters of the texts.
    """
    rows = [row for chunk in chunks(texts) for row in normal(chunk, normalize).numpy() if row.strip()]
    if not rows:
        raise InputError("there is no text to learn a vocabulary from")
    for place, name in enumerate(SPECIALS):
        options[f"{name[1:-1]}_piece"], options[f"{name[1:-1]}_id"] = name, place
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(_RULES)
        rules.flush()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(rows),
                model_writer=model,
                vocab_size=size,
                hard_vocab_limit=False,
                normalization_rule_tsv=rules.name,
                remove_extra_whitespaces=False,
                max_sentence_length=_LONGEST,
                num_threads=1,  # the sums, and so the pieces, depend on it
                minloglevel=2,
                **options,
            )
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"no vocabulary of {size:,} pieces can be learned ({_reason(error)})",
                remedy="give a larger size, or a lower character coverage",
            ) from None
    learned = ModelProto.FromString(model.getvalue())
    learned.normalizer_spec.ClearField("normalization_rule_tsv")  # the name of a file that is gone, another each time
    return learned.SerializeToString(deterministic=True)


def _reason(error: Exception) -> str:
    """The trainer's own words without its source line and condition."""
    return str(error).split("] ")[-1].strip().rstrip(".") or "the trainer gave up"
