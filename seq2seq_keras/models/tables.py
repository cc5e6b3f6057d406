"""The embedding tables every family starts from."""

from seq2seq_keras.embed import TokenTable


def tables(source_size: int, target_size: int | None, width: int, tied: bool) -> dict[str, TokenTable]:
    """One shared table, or one a side where `target_size` is given, under `Seq2Seq`'s argument names."""
    if target_size is None:
        return {"embedding": TokenTable(source_size, width, tied, name="embedding")}
    return {
        "embedding": TokenTable(source_size, width, name="source_embedding"),
        "target_embedding": TokenTable(target_size, width, tied, name="target_embedding"),
    }
