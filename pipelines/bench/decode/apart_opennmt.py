"""Decodes with OpenNMT-tf, random weights: run by the interpreter that has it, never imported here.

    PEER_PYTHON -I apart_opennmt.py task.json

Its versions are the first line that goes out. A line of JSON that comes in is a batch, ids of sources and the width of
the beam; what goes out then is how many ids were said to each. What runs is the toolkit's own `infer`, traced once, as
in its exports.
"""

import json
import sys

import opennmt
import tensorflow as tf

FEATURES = {"ids": tf.TensorSpec([None, None], tf.int64), "length": tf.TensorSpec([None], tf.int32)}


def search(task, beam):
    """A model whose search has this width, and which says `max_length` ids, no fewer."""
    model = opennmt.models.Transformer(
        opennmt.inputters.WordEmbedder(embedding_size=task["width"]),
        opennmt.inputters.WordEmbedder(embedding_size=task["width"]),
        num_layers=task["depth"],
        num_units=task["width"],
        num_heads=task["heads"],
        ffn_inner_dim=4 * task["width"],
        output_layer_bias=False,
    )
    params = {"beam_width": beam, "length_penalty": task["length_penalty"] if beam > 1 else 0}
    params |= {"maximum_decoding_length": task["max_length"], "minimum_decoding_length": task["max_length"]}
    vocabularies = {"source_vocabulary": task["vocabulary"], "target_vocabulary": task["vocabulary"]}
    model.initialize(vocabularies, params=params)
    model.create_variables()
    return tf.function(model.infer, input_signature=[FEATURES])


def main(task):
    """Answers batch after batch, until there are no more."""
    print(json.dumps({"opennmt-tf": opennmt.__version__, "tensorflow of opennmt-tf": tf.__version__}), flush=True)
    searches = {}
    for line in sys.stdin:
        batch = json.loads(line)
        beam = batch["beam"]
        if beam not in searches:
            searches[beam] = search(task, beam)
        lengths = [len(row) for row in batch["ids"]]
        ids = tf.ragged.constant(batch["ids"], dtype=tf.int64).to_tensor()
        found = searches[beam]({"ids": ids, "length": tf.constant(lengths, tf.int32)})
        print(json.dumps(found["length"].numpy()[:, 0].tolist()), flush=True)


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        main(json.load(opened))
