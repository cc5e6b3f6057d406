"""The attentive recurrent families."""

from seq2seq_keras.bridges import KeepMemory
from seq2seq_keras.decoders import AttentiveDecoder, BahdanauDecoder, PointerGenerator
from seq2seq_keras.models.parts import attention_of, recurrent_encoder, states_of
from seq2seq_keras.models.presets import sized
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def attention(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 256,
    depth: int = 1,
    decoder_depth: int | None = None,
    dropout: float = 0.2,
    cell="lstm",
    tied: bool = True,
    embedding: int | None = None,
    bidirectional: bool = True,
    reverse: bool = False,
    bridge: str = "project",
    attention: str = "additive",
    input_feeding: bool = True,
    coverage: bool = False,
    coverage_loss: float = 0.0,
    copy: bool = False,
    name: str = "attention",
) -> Seq2Seq:
    """Bidirectional encoder, additive attention, input feeding.

    Args:
        source_size: vocabulary size of the source, or of both sides.
        target_size: vocabulary size of the target; None shares vocabulary and table.
        width: width of layers (both directions together) and attention space.
        depth: recurrent layers of the encoder.
        decoder_depth: recurrent layers of the decoder; None is as many. `copy` and `project` bridge no more than those.
        dropout: share of layer inputs and of the decoder's output set to zero in training.
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        tied: the output projection is the target table itself.
        embedding: width of the tables, where it is not that of the layers.
        bidirectional: the encoder reads both ways.
        reverse: the encoder reads the source from its end.
        bridge: what the decoder begins with, as in `lstm`.
        attention: how a position is scored: `additive`, `dot`, `general` or `scaled`.
        input_feeding: the next step is told what this one said; without it a whole sequence runs through the fused
            layers.
        coverage: additive attention knows where earlier steps looked.
        coverage_loss: weight of looking again where one has looked, in training (See et al., 2017, have 1).
        copy: words of the source may be said again where the vocabulary is one (pointer-generator).
        name: of the model.

    Raises:
        ValueError: coverage of an attention that multiplies, copying between two vocabularies.

    Reference: Bahdanau et al., 2015; Luong et al., 2015.
    """
    looks = attention_of(attention, width, coverage)
    decoder = AttentiveDecoder(cell, width, looks, decoder_depth or depth, dropout, input_feeding, name="decoder")
    return Seq2Seq(
        **tables(source_size, target_size, width, tied, embedding),
        encoder=recurrent_encoder(cell, width, depth, dropout, bidirectional, reverse),
        bridge=KeepMemory(states_of(bridge, decoder.state_size, width), name="bridge"),
        decoder=decoder,
        copy=PointerGenerator(name="copy") if copy else None,
        coverage_loss=coverage_loss,
        name=name,
    )


luong = sized(
    attention,
    """`attention` as it was published with scores by a product: four layers of 1000 over embeddings of 1000, the source
    from its end, general scores over all of it (the global attention of the paper), input feeding.

    Reference: Luong et al., 2015, section 4.1.
    """,
    name="luong",
    width=1000,
    depth=4,
    tied=False,
    bidirectional=False,
    reverse=True,
    bridge="copy",
    attention="general",
)


def bahdanau(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 1000,
    depth: int = 1,
    decoder_depth: int | None = None,
    dropout: float = 0.0,
    cell="gru",
    tied: bool = False,
    embedding: int | None = 620,
    bidirectional: bool = True,
    reverse: bool = False,
    bridge: str = "project",
    attention: str = "additive",
    coverage: bool = False,
    coverage_loss: float = 0.0,
    copy: bool = False,
    name: str = "bahdanau",
) -> Seq2Seq:
    """The decoder looks before each of its steps, with the state that the last one left.

    Published: gated units of 1000 in each direction and in the decoder, embeddings of 620. The output layer is a maxout
    of 1000, of 500 in the paper; the first state is made from the end states of both directions, there from one.

    Args:
        source_size: as in `attention`, and so what is not said here.
        width: width of the decoder, of the attention space, and of each direction of the encoder.
        embedding: width of the tables; None is that of the layers.

    Reference: Bahdanau et al., 2015, section 4.2 and appendix A.
    """
    looks, both = attention_of(attention, width, coverage), 2 * width if bidirectional else width
    decoder = BahdanauDecoder(cell, width, looks, decoder_depth or depth, dropout, name="decoder")
    return Seq2Seq(
        **tables(source_size, target_size, width, tied, embedding),
        encoder=recurrent_encoder(cell, both, depth, dropout, bidirectional, reverse),
        bridge=KeepMemory(states_of(bridge, decoder.state_size, width), name="bridge"),
        decoder=decoder,
        copy=PointerGenerator(name="copy") if copy else None,
        coverage_loss=coverage_loss,
        name=name,
    )
