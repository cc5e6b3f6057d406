"""The embedding tables every family starts from."""

import keras

from seq2seq_keras.embed import ProjectedTable, TokenTable

Table = TokenTable | ProjectedTable


def tables(
    source_size: int | Table, target_size: int | Table | None, width: int, tied: bool, embedding: int | None = None
) -> dict:
    """One shared table, or one a side where `target_size` is given, under `Seq2Seq`'s argument names.

    Args:
        source_size: vocabulary size of the source, or of both sides; or a ready table, as one of pretrained vectors.
        target_size: vocabulary size of the target, or a ready table; None shares vocabulary and table.
        width: width of the model.
        tied: the output projection is the table of the output itself.
        embedding: width of a table made here, which a learned map takes to that of the model; None is the model's.

    Raises:
        ValueError: a ready table of another width than the model's.
    """
    if target_size is None:
        return {"embedding": _table(source_size, width, tied, embedding, "embedding")}
    return {
        "embedding": _table(source_size, width, True, embedding, "source_embedding"),
        "target_embedding": _table(target_size, width, tied, embedding, "target_embedding"),
    }


def _table(size: int | Table, width: int, tied: bool, embedding: int | None, name: str) -> Table:
    if isinstance(size, keras.layers.Layer):
        if size.width != width:
            raise ValueError(f"a table must be {width} wide, as the model is; {size.name} is {size.width}: project it")
        return size
    if embedding in (None, width):
        return TokenTable(size, width, tied, name=name)
    return ProjectedTable(TokenTable(size, embedding, name=f"{name}_table"), width, tied, name=name)
