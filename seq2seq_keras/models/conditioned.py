"""The recurrent family whose decoder is told one vector of the source at every step."""

from seq2seq_keras.bridges import Summary
from seq2seq_keras.decoders import ConditionedDecoder
from seq2seq_keras.models.parts import pool_of, recurrent_encoder
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def cho(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 1000,
    depth: int = 1,
    decoder_depth: int | None = None,
    dropout: float = 0.0,
    cell="gru",
    tied: bool = False,
    embedding: int | None = 100,
    bidirectional: bool = False,
    reverse: bool = False,
    bridge: str = "last",
    name: str = "cho",
) -> Seq2Seq:
    """c = tanh(V h_N) makes the decoder's first state, and is told at every step and to the output layer.

    Published: gated units of 1000 over embeddings of 100. The output layer is a maxout of 1000, of 500 in the paper.

    Args:
        source_size: as in `lstm`, and so what is not said here.
        embedding: width of the tables; None is that of the layers.
        bridge: what c is made of: the encoder's `last` state, the `mean` or `max` of all, or their weighted mean by a
            learned query (`attention`).

    Reference: Cho et al., 2014, section 4.1 and appendix A.1.
    """
    decoder = ConditionedDecoder(cell, width, decoder_depth or depth, dropout, name="decoder")
    return Seq2Seq(
        **tables(source_size, target_size, width, tied, embedding),
        encoder=recurrent_encoder(cell, width, depth, dropout, bidirectional, reverse),
        bridge=Summary(pool_of(bridge, width), decoder.state_size, units=width, name="bridge"),
        decoder=decoder,
        name=name,
    )
