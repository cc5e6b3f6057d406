"""One shard on disk: pairs as ids in a TFRecord file, and their lengths beside it."""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from seq2seq_keras.data.examples import Examples, Ragged

LONGEST = 2**16 - 1
"""Most ids of a side: lengths are kept in 16 bits."""
_CHUNK = 4_096
_SIDES = ("source", "target")
_WANTED = {side: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64) for side in _SIDES}


def write_shard(folder: str | os.PathLike, name: str, examples: Examples) -> dict[str, Path]:
    """Writes `NAME.tfrecord` and `NAME.lengths.npy`, synchronised to the disk; the same pairs give the same bytes.

    A record is a `tf.train.Example` with the int64 lists `source` and `target`, which any reader of TFRecord knows.

    Args:
        examples: of at most `LONGEST` ids a side.

    Returns:
        what was written: `records` and `lengths`.

    Raises:
        OSError: it cannot be written.
        ValueError: a side is too long.
    """
    lengths = np.stack([examples.source.lengths, examples.target.lengths], axis=1)
    if len(lengths) and lengths.max() > LONGEST:
        raise ValueError(f"a side of an example must have at most {LONGEST:,} ids, found {lengths.max():,}")
    written = {"records": Path(folder) / f"{name}.tfrecord", "lengths": Path(folder) / f"{name}.lengths.npy"}
    try:
        with tf.io.TFRecordWriter(str(written["records"])) as file:
            for begin in range(0, len(examples), _CHUNK):
                for record in _serialized(examples, begin, begin + _CHUNK):
                    file.write(record)
    except tf.errors.OpError as error:
        raise OSError(None, error.message) from None
    np.save(written["lengths"], lengths.astype(np.uint16))
    for path in written.values():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    return written


def read_shard(path, count) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Source and target of a TFRecord file that `write_shard` wrote, int32, in a graph or out of it.

    Args:
        path: of the file; may be a () string tensor.
        count: of its records, not 0; may be a () int64 tensor.
    """
    records = tf.data.TFRecordDataset(path).batch(count).get_single_element()
    found = tf.io.parse_example(records, _WANTED)
    return tuple(tf.cast(found[side], tf.int32) for side in _SIDES)


def read_examples(path: str | os.PathLike, count: int) -> Examples:
    """The pairs of a TFRecord file in memory."""
    if not count:
        return Examples(Ragged.from_rows([]), Ragged.from_rows([]))
    sides = read_shard(str(path), count)
    return Examples(*(Ragged(side.values.numpy(), side.row_splits.numpy()) for side in sides))


def _serialized(examples: Examples, begin: int, end: int) -> list[bytes]:
    """Records of a stretch of rows. Serialised by TensorFlow many at a time: one by one takes Python five times as
    long."""
    entries = [_entries(side, getattr(examples, side), begin, end) for side in _SIDES]
    features = _message("tensorflow.Features", "feature", tf.stack(entries, axis=1))
    return _message("tensorflow.Example", "features", features[:, None]).numpy().tolist()


def _entries(side: str, rows: Ragged, begin: int, end: int) -> tf.Tensor:
    """(B,) the entry of a side in the map of features."""
    splits = rows.splits[begin : end + 1]
    values = rows.values[splits[0] : splits[-1]].astype(np.int64)
    dense = tf.RaggedTensor.from_row_splits(values, splits - splits[0]).to_tensor()
    lists = _message("tensorflow.Int64List", "value", dense, np.diff(splits))
    feature = _message("tensorflow.Feature", "int64_list", lists[:, None])
    names = tf.fill(tf.shape(feature), side)
    one = tf.ones([len(splits) - 1, 2], tf.int32)
    return tf.io.encode_proto(one, [names[:, None], feature[:, None]], ["key", "value"], _ENTRY)


def _message(kind: str, field: str, values: tf.Tensor, sizes=None) -> tf.Tensor:
    """(B, N) values of a repeated field to (B,) messages with the first `sizes` of them, or all."""
    if sizes is None:
        sizes = tf.fill([tf.shape(values)[0]], tf.shape(values)[1])
    return tf.io.encode_proto(tf.cast(sizes, tf.int32)[:, None], [values], [field], kind)


_ENTRY = "tensorflow.Features.FeatureEntry"
