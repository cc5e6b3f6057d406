"""Runs an export as a stranger would: this file alone, with TensorFlow and tensorflow-text's ops, no Keras.

A program and not a module: `check` starts it. Texts come as JSON on standard input, answers go as JSON to the
file named second.
"""

import importlib.util
import json
import sys
from pathlib import Path

BLOCKED = ("keras", "tf_keras", "seq2seq_keras", "tensorflow_text")
"""Nothing of these can be imported."""


def main(folder: str, answers: str) -> None:
    # Its Python package needs Keras, the ops do not. Found, not imported.
    package = importlib.util.find_spec("tensorflow_text")
    libraries = sorted(Path(package.submodule_search_locations[0]).rglob("_*.so"))
    # None is how Python marks a module that is not there, for `import` and for those who only look for it.
    sys.modules.update(dict.fromkeys(BLOCKED))

    import tensorflow as tf

    for library in libraries:
        tf.load_op_library(str(library))
    texts = [text.encode("utf-8", "surrogatepass") for text in json.load(sys.stdin)]
    module = tf.saved_model.load(folder)
    found = module.signatures["serving_default"](text=tf.constant(texts, tf.string, shape=[len(texts)]))
    loaded = [name for name, module in sys.modules.items() if module and name.split(".")[0] in BLOCKED]
    if loaded:
        raise SystemExit(f"imported after all: {', '.join(loaded)}")
    Path(answers).write_text(
        json.dumps(
            {
                "text": [text.decode("utf-8") for text in found["text"].numpy()],
                "score": found["score"].numpy().tolist(),
            }
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
