"""The form of text every vocabulary is learned from and sees: valid UTF-8 in one normal form."""

from collections.abc import Iterable, Iterator

import tensorflow as tf
import tensorflow_text as tf_text

from seq2seq_keras.errors import InputError

FORMS = ("nfkc", "lower_nfkc", "nfc", None)
"""What `normalize` may be. All but None also turn every run of white space into one blank and strip the ends."""

_WHITE = r"[\s\p{Z}\x{0B}\x{85}]+"
_CHUNK = 4_096


def normal(texts: tf.Tensor, normalize: str | None) -> tf.Tensor:
    """(B,) string to (B,) string; bytes that are no UTF-8 become U+FFFD first."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    if normalize is None:
        return texts
    texts = tf_text.normalize_utf8(texts, "NFC" if normalize == "nfc" else "NFKC")
    if normalize == "lower_nfkc":
        texts = tf.strings.lower(texts, encoding="utf-8")
    return tf.strings.strip(tf.strings.regex_replace(texts, _WHITE, " "))


def check_form(normalize: str | None) -> None:
    if normalize not in FORMS:
        known = ", ".join(map(repr, FORMS))
        raise InputError(f"normalize is {normalize!r}", expected=f"one of {known}")


def strings(texts) -> tf.Tensor:
    """A tensor as it is; a list of str as (B,) string, lone surrogates included (they are no UTF-8)."""
    if tf.is_tensor(texts):
        return texts
    data = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts]
    return tf.constant(data, tf.string, shape=[len(data)])


def alike(texts: list[str], size: int) -> Iterator[list[int]]:
    """Places of the texts in batches of at most `size`, from short to long: none waits for a much longer one."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for begin in range(0, len(order), size):
        yield order[begin : begin + size]


def chunks(texts: Iterable[str]) -> Iterator[tf.Tensor]:
    """The texts in order as (B,) string tensors of a size that is quick to work on."""
    texts = list(texts)
    for begin in range(0, len(texts), _CHUNK):
        yield strings(texts[begin : begin + _CHUNK])
