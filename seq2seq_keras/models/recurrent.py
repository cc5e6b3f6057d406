"""The plain recurrent families: the decoder's first state is all that it knows of the source."""

from seq2seq_keras.decoders import RecurrentDecoder
from seq2seq_keras.models.parts import recurrent_encoder, states_of
from seq2seq_keras.models.presets import sized
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def lstm(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 256,
    depth: int = 2,
    decoder_depth: int | None = None,
    dropout: float = 0.2,
    cell="lstm",
    tied: bool = True,
    embedding: int | None = None,
    bidirectional: bool = False,
    reverse: bool = False,
    bridge: str = "copy",
    name: str = "lstm",
) -> Seq2Seq:
    """Stacked encoder and decoder; what the decoder knows of the source is its first states.

    Args:
        source_size: vocabulary size of the source, or of both sides.
        target_size: vocabulary size of the target; None shares vocabulary and table.
        width: width of every layer, both directions of the encoder together.
        depth: recurrent layers of the encoder.
        decoder_depth: recurrent layers of the decoder; None is as many. `copy` and `project` take no more than those.
        dropout: share of layer inputs, and of the decoder's output, set to zero in training.
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        tied: the output projection is the target table itself.
        embedding: width of the tables, where it is not that of the layers.
        bidirectional: the encoder reads both ways.
        reverse: the encoder reads the source from its end.
        bridge: what the decoder begins with: the encoder's last states as they are (`copy`) or each through a dense
            tanh (`project`), `zero`, or a dense tanh of one vector of the source (`last`, `mean`, `max`, `attention`).
        name: of the model.

    Reference: Sutskever et al., 2014.
    """
    decoder = RecurrentDecoder(cell, width, decoder_depth or depth, dropout, name="decoder")
    return Seq2Seq(
        **tables(source_size, target_size, width, tied, embedding),
        encoder=recurrent_encoder(cell, width, depth, dropout, bidirectional, reverse),
        bridge=states_of(bridge, decoder.state_size, width, name="bridge"),
        decoder=decoder,
        name=name,
    )


sutskever = sized(
    lstm,
    """`lstm` in its published size: four layers of 1000 over embeddings of 1000, the source from its end.

    Reference: Sutskever et al., 2014, section 3.4.
    """,
    name="sutskever",
    width=1000,
    depth=4,
    dropout=0.0,
    tied=False,
    reverse=True,
)
