"""Small SavedModels for the server's tests, each written in a fraction of a second and without Keras."""

import functools
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

_FLOATS = tf.TensorSpec([None], tf.float32, "x")
_STRINGS = tf.TensorSpec([None], tf.string, "text")


def half_plus(folder: Path, added: float = 2.0) -> Path:
    """x (B,) float32 to y = x / 2 + `added`; as signature `serving_default`. The official example adds 2."""
    return _copied(folder, _half_plus, added)


def toy(folder: Path) -> Path:
    """One model with a signature for every form of request.

    serving_default  x (B,) float32 to y (B,) = x / 2 + 2
    text             text (B,) string to text (B,), upper case
    raw              text (B,) string to text_bytes (B,), as it came
    pair             a (B, 2) float32, b (B,) float32 to total (B,) and product (B, 2)
    ints             n (B,) int32 to n (B,), one more
    flag             flag (B,) bool to flag (B,), its contrary
    whole            x (B,) float32 to total (), which has no batch
    uneven           x (B,) float32 to x (B,) and twice (2 B,)
    picky            x (B,) float32 to y (B,), an error if any x is negative
    slow             x (B,) float32 to y (B,) = x, after x[0] seconds or so of work
    padded           ids (B, S) int32 to count (B,), how many are not 0
    """
    return _copied(folder, _toy)


def flat(folder: Path) -> Path:
    """x (B,) float32 to y = x + 2, as models of TensorFlow 1 are: nodes of the graph, no function, an older saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None], "x")
        two = tf.compat.v1.get_variable("two", initializer=2.0, use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.builder.SavedModelBuilder(str(folder))
        tensors = [
            {name: tf.compat.v1.saved_model.utils.build_tensor_info(one)} for name, one in [("x", x), ("y", x + two)]
        ]
        signature = tf.compat.v1.saved_model.build_signature_def(*tensors, "tensorflow/serving/predict")
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    return folder


def hostile(folder: Path, op: str = "WriteFile") -> Path:
    """A model that touches files: `op` is `WriteFile`, `ReadFile`, `MatchingFiles` or `PyFunc`."""
    return _copied(folder, _hostile, op)


def _copied(folder: Path, write, *given) -> Path:
    """Models are made once a process; every test gets its own copy."""
    shutil.copytree(_made(write, *given), folder)
    return Path(folder)


@functools.cache
def _made(write, *given) -> Path:
    folder = Path(tempfile.mkdtemp()) / "1"
    write(folder, *given)
    return folder


def _half_plus(folder: Path, added: float) -> None:
    module = tf.Module()
    module.added = tf.Variable(added)

    @tf.function(input_signature=[_FLOATS], autograph=False)
    def half(x):
        return {"y": x / 2 + module.added}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": half})


def _toy(folder: Path) -> None:
    module = tf.Module()
    module.two = tf.Variable(2.0)

    def of(*specs):
        return tf.function(input_signature=list(specs), autograph=False)

    @of(_FLOATS)
    def serving_default(x):
        return {"y": x / 2 + module.two}

    @of(_STRINGS)
    def text(text):
        return {"text": tf.strings.upper(text, encoding="utf-8")}

    @of(_STRINGS)
    def raw(text):
        return {"text_bytes": tf.identity(text)}

    @of(tf.TensorSpec([None, 2], tf.float32, "a"), tf.TensorSpec([None], tf.float32, "b"))
    def pair(a, b):
        return {"total": tf.reduce_sum(a, axis=1) + b, "product": a * b[:, None]}

    @of(tf.TensorSpec([None], tf.int32, "n"))
    def ints(n):
        return {"n": n + 1}

    @of(tf.TensorSpec([None], tf.bool, "flag"))
    def flag(flag):
        return {"flag": tf.logical_not(flag)}

    @of(_FLOATS)
    def whole(x):
        return {"total": tf.reduce_sum(x)}

    @of(_FLOATS)
    def uneven(x):
        return {"x": tf.identity(x), "twice": tf.concat([x, x], 0)}

    @of(_FLOATS)
    def picky(x):
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, "a negative x")]):
            return {"y": tf.identity(x)}

    @of(_FLOATS)
    def slow(x):
        # Small products in a loop: a step is short, so that the loop can be cancelled between two.
        unit = tf.eye(64)
        steps = tf.cast(x[0] * 50_000, tf.int32)
        _, last = tf.while_loop(lambda i, m: i < steps, lambda i, m: (i + 1, m @ unit), (0, unit))
        return {"y": x * last[0, 0]}

    @of(tf.TensorSpec([None, None], tf.int32, "ids"))
    def padded(ids):
        return {"count": tf.reduce_sum(tf.cast(tf.not_equal(ids, 0), tf.int32), axis=1)}

    functions = [serving_default, text, raw, pair, ints, flag, whole, uneven, picky, slow, padded]
    names = "serving_default text raw pair ints flag whole uneven picky slow padded".split()
    tf.saved_model.save(module, str(folder), signatures=dict(zip(names, functions, strict=True)))


def _hostile(folder: Path, op: str) -> None:
    def touch(text):
        if op == "WriteFile":
            with tf.control_dependencies([tf.io.write_file("/tmp/never_written", text[0])]):
                return tf.identity(text)
        if op == "ReadFile":
            return tf.io.read_file(text[0])[None]
        if op == "MatchingFiles":
            return tf.io.matching_files(text)
        return tf.numpy_function(lambda value: value, [text], tf.string)

    module = tf.Module()
    module.touch = tf.function(lambda text: {"text": touch(text)}, input_signature=[_STRINGS], autograph=False)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.touch})
