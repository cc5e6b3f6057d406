"""What is read, and what is refused before it is read."""

from pipelines.settings import Files
from seq2seq_keras import data
from seq2seq_keras.errors import InputError


def read_training(files: Files) -> data.Corpus | data.Shards | None:
    """The pairs to train on, as texts or prepared; None if no file is given."""
    if files.shards is None:
        return read(files, "train")
    if any(path is not None for path in (files.source, files.target, files.tsv)):
        raise InputError("--train.shards and other training pairs were given", remedy="give one or the other")
    return data.Shards(files.shards)


def read(files: Files, name: str) -> data.Corpus | None:
    """The pairs of one part of the corpus; None if no file is given.

    Args:
        name: `train`, `valid` or `test`, for messages.
    """
    check_files(files, name)
    options = {"columns": files.columns, "max_reject_fraction": files.max_reject_fraction}
    if files.tsv is not None:
        return data.read_pairs(files.tsv, **options)
    return None if files.source is None else data.read_pairs(files.source, files.target, **options)


def check_files(files: Files, name: str) -> None:
    """Refuses files of which it is not clear what to read; looks at none of them.

    Raises:
        InputError: one side is missing, or two forms of a corpus were given.
    """
    given = [files.source is not None, files.target is not None]
    if files.tsv is not None and any(given):
        raise InputError(f"--{name}.tsv and aligned files were given", remedy="give one or the other")
    if any(given) and not all(given):
        missing = "target" if given[0] else "source"
        raise InputError(f"--{name}.{missing} is missing", remedy=f"give both sides, or --{name}.tsv")
    if files.shards is not None:
        raise InputError(f"--{name}.shards: shards are for translate to train on", expected="pairs as texts")
