"""Which models CTranslate2 can be told of."""

from seq2seq_keras.bridges import KeepMemory
from seq2seq_keras.decoders import TransformerDecoder
from seq2seq_keras.embed import NoPositions, RelativePositions, RotaryPositions, SinusoidalPositions
from seq2seq_keras.embed.learned import LearnedPositions
from seq2seq_keras.encoders import TransformerEncoder
from seq2seq_keras.errors import InputError

_POSITIONS = (LearnedPositions, NoPositions, RelativePositions, RotaryPositions, SinusoidalPositions)


def check(model, max_source: int, max_length: int) -> None:
    """Refuses a model that CTranslate2's specification of a Transformer has no words for.

    Args:
        max_source: most source ids, EOS included.
        max_length: most target ids, EOS included.

    Raises:
        InputError: what there is no word for.
    """
    encoder, decoder = model.encoder, model.decoder
    if not isinstance(encoder, TransformerEncoder) or not isinstance(decoder, TransformerDecoder):
        raise _refusal(f"model of {type(encoder).__name__} and {type(decoder).__name__}", "a Transformer")
    if not decoder.has_memory or not isinstance(model.bridge, KeepMemory):
        expected = "a decoder that looks at all of the encoder's memory"
        raise _refusal(f"Transformer with {type(model.bridge).__name__} between its halves", expected)
    if model.copy is not None:
        raise _refusal("Transformer that copies words of its source", "one without copying")
    for stack, length in ((encoder, max_source), (decoder, max_length)):
        _check_positions(stack.positions, stack is encoder, length)


def _check_positions(positions, encodes: bool, length: int) -> None:
    name = f"{type(positions).__name__} in the {'encoder' if encodes else 'decoder'}"
    if type(positions) not in _POSITIONS:
        raise _refusal(name, "another kind of positions")
    if positions.limit is not None and length > positions.limit:
        raise InputError(
            f"a length of {length} is more than the {positions.limit} positions of {name}",
            expected=f"at most {positions.limit}",
            remedy="export with shorter limits",
        )


def _refusal(what: str, expected: str) -> InputError:
    return InputError(f"CTranslate2 has no {what}", expected=expected, remedy="export it as a SavedModel")
