"""A Transformer in CTranslate2's terms: which weight goes where."""

import numpy as np
from keras import ops

from seq2seq_keras.attention import MultiHeadAttention
from seq2seq_keras.attention.masks import HIDDEN
from seq2seq_keras.context import BOS, PAD
from seq2seq_keras.embed import RelativePositions, RotaryPositions, TokenTable
from seq2seq_keras.tokens import SPECIALS, Tokenizer


def fill(model, source: Tokenizer, target: Tokenizer, places: int):
    """The specification of a model with all of its weights, ready for `validate`, `optimize` and `save`.

    Args:
        model: `Seq2Seq` of a `TransformerEncoder` and a `TransformerDecoder`.
        places: positions on each side that the model will know; beyond them CTranslate2 refuses to go.

    Returns:
        `ctranslate2.specs.TransformerSpec`.
    """
    from ctranslate2 import specs
    from ctranslate2.specs import transformer_spec

    encoder, decoder = model.encoder, model.decoder
    spec = specs.TransformerSpec(
        transformer_spec.TransformerEncoderSpec(encoder.depth, encoder.heads, **_options(encoder)),
        # No number of heads means the average over all heads of the last layer, as `alignment` has it.
        transformer_spec.TransformerDecoderSpec(decoder.depth, decoder.heads, alignment_heads=0, **_options(decoder)),
    )
    _, spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = SPECIALS
    spec.config.decoder_start_token = spec.config.bos_token
    spec.config.add_source_eos = True
    spec.config.layer_norm_epsilon = encoder.layers[0].attention_norm.epsilon
    spec.register_source_vocabulary(source.pieces)
    spec.register_target_vocabulary(target.pieces)

    table = model.table
    spec.encoder.embeddings[0].weight = _array(model.embedding.embeddings)
    spec.decoder.embeddings.weight = _array(table.embeddings)
    _output(spec.decoder.projection, table)
    for part, stack in ((spec.encoder, encoder), (spec.decoder, decoder)):
        _positions(part, stack, places)
        if stack.norm is not None:
            _norm(part.layer_norm, stack.norm)
    for part, layer in zip(spec.encoder.layer, encoder.layers, strict=True):
        _attention(part.self_attention, layer.attention_norm, layer.attention, fused=True)
        _feed_forward(part.ffn, layer)
    for part, layer in zip(spec.decoder.layer, decoder.layers, strict=True):
        _attention(part.self_attention, layer.self_norm, layer.self_attention, fused=True)
        _attention(part.attention, layer.source_norm, layer.source_attention, fused=False)
        _feed_forward(part.ffn, layer)
    return spec


def _options(stack) -> dict:
    """What a stack has in place of the usual, in the words of CTranslate2."""
    from ctranslate2.specs.common_spec import Activation

    activations = {"relu": Activation.RELU, "gelu": Activation.GELU, "silu": Activation.SWISH}
    gates = {"reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
    options = {
        "pre_norm": stack.norms == "pre",
        "activation": activations[gates.get(stack.activation, stack.activation)],
        "ffn_glu": stack.activation in gates,
        "num_heads_kv": stack.memory_heads,
        "relative_attention_bias": isinstance(stack.positions, RelativePositions),
    }
    if isinstance(stack.positions, RotaryPositions):
        options |= {"rotary_dim": 0, "rotary_interleave": False, "rotary_base": stack.positions.base}
    return options


def _attention(part, norm, attention: MultiHeadAttention, fused: bool) -> None:
    """Self-attention has queries, keys and values in one product; attention to the source has queries apart."""
    _norm(part.layer_norm, norm)
    first = [attention.query, attention.key_value] if fused else [attention.query]
    _dense(part.linear[0], *first)
    if not fused:
        _dense(part.linear[1], attention.key_value)
    _dense(part.linear[-1], attention.join)


def _feed_forward(part, layer) -> None:
    _norm(part.layer_norm, layer.feed_forward_norm)
    widen = layer.feed_forward.widen
    if layer.feed_forward.gated:
        for own, half in zip(
            (part.linear_0, part.linear_0_noact), (slice(None, layer.inner), slice(layer.inner, None))
        ):
            own.weight, own.bias = _array(widen.kernel).T[half], _array(widen.bias)[half]
    else:
        _dense(part.linear_0, widen)
    _dense(part.linear_1, layer.feed_forward.narrow)


def _dense(part, *layers) -> None:
    """Dense layers over the same input, side by side: weight (outputs, inputs) and bias."""
    part.weight = np.concatenate([_array(layer.kernel).T for layer in layers])
    part.bias = np.concatenate([_array(layer.bias) for layer in layers])


def _norm(part, norm) -> None:
    part.gamma, part.beta = _array(norm.gamma), _array(norm.beta)


def _output(part, table: TokenTable) -> None:
    """CTranslate2 has no ids that are never said: a bias keeps PAD and BOS out, as `decode` does."""
    part.weight = _array(table.embeddings) if table.tied else _array(table.reverse_embeddings).T
    part.bias = np.zeros(table.size, "float32")
    part.bias[[PAD, BOS]] = HIDDEN


def _positions(part, stack, places: int) -> None:
    """What is added to vectors is a table: CTranslate2's own sinusoids begin at 1 and have other rates."""
    positions = stack.positions
    if hasattr(part, "position_encodings"):
        places = min(places, positions.limit or places)
        vectors = ops.zeros((places, stack.width), "float32")
        part.position_encodings.encodings = _array(positions.add(vectors, ops.arange(places)))
    for layer in part.layer if isinstance(positions, RelativePositions) else ():
        layer.self_attention.relative_attention_bias = _array(positions.table)
        layer.self_attention.relative_attention_max_distance = np.dtype("int32").type(positions.distance)


def _array(tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float32")
