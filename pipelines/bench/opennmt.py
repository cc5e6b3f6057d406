"""Trains OpenNMT-tf for a while and writes its speed: run by the interpreter that has it, never imported here.

    PEER_PYTHON -I opennmt.py task.json

What runs is the toolkit's own `Trainer` over its own input pipeline, so its costs are those its users pay. Two public
hooks are used: the evaluator is called after every step and reads the clock, and the model's loss counts positions.
"""

import json
import logging
import sys
import time

import opennmt
import tensorflow as tf

COUNTERS = ("examples", "source", "target", "source_positions", "target_positions")


class Counted(opennmt.models.Transformer):
    """The toolkit's Transformer, which also counts what it is trained on."""

    def compute_training_loss(self, features, labels, step=None):
        """As before; `length` has EOS in it on both sides, as here the source line ends with one."""
        for name, value in (
            ("examples", tf.size(labels["length"])),
            ("source", tf.reduce_sum(features["length"])),
            ("target", tf.reduce_sum(labels["length"])),
            ("source_positions", tf.size(features["ids"])),
            ("target_positions", tf.size(labels["ids_out"])),
        ):
            self.counters[name].assign_add(tf.cast(value, tf.int64))
        return super().compute_training_loss(features, labels, step=step)


class Clock:
    """In the place of an evaluator: lets the warm-up pass, times what follows, then stops the training."""

    last_evaluated_step = None

    def __init__(self, counters, pairs, warmup, seconds):
        self.counters, self.pairs, self.warmup, self.seconds = counters, pairs, warmup, seconds
        self.first = self.begun = self.counts = self.result = None

    def __call__(self, step):
        now = time.perf_counter()
        self.last_evaluated_step = step
        if self.first is None:
            self.first = now
        if self.begun is None:
            if now - self.first >= self.warmup or int(self.counters["examples"]) >= self.pairs:
                self.begun, self.counts, self.begun_step = now, self._read(), step
        elif now - self.begun >= self.seconds and self.result is None:
            self.result = {name: count - self.counts[name] for name, count in self._read().items()}
            self.result.update(seconds=now - self.begun, steps=int(step - self.begun_step))

    def should_stop(self):
        return self.result is not None

    def _read(self):
        return {name: int(counter) for name, counter in self.counters.items()}


def main(task):
    """Builds, trains and measures; the counts end up in `task["result"]`."""
    tf.get_logger().setLevel(logging.ERROR)
    tf.random.set_seed(0)
    width = task["width"]
    model = Counted(
        opennmt.inputters.WordEmbedder(embedding_size=width),
        opennmt.inputters.WordEmbedder(embedding_size=width),
        num_layers=task["depth"],
        num_units=width,
        num_heads=task["heads"],
        ffn_inner_dim=4 * width,
        dropout=0.1,
        attention_dropout=0.0,  # as our model, which has none of these three
        ffn_dropout=0.0,
        output_layer_bias=False,
        share_embeddings=opennmt.models.EmbeddingsSharingLevel.ALL,
    )
    model.counters = {name: tf.Variable(0, dtype=tf.int64, trainable=False) for name in COUNTERS}
    model.initialize(
        {"source_vocabulary": task["vocabulary"], "target_vocabulary": task["vocabulary"]},
        params={"label_smoothing": 0.1},
    )

    def dataset(_):
        return model.examples_inputter.make_training_dataset(
            task["source"],
            task["target"],
            task["batch_tokens"],
            batch_type="tokens",
            shuffle_buffer_size=task["pairs"],
            length_bucket_width=task["bucket"],
        )

    clock = Clock(model.counters, task["pairs"], task["warmup"], task["seconds"])
    trainer = opennmt.training.Trainer(model, opennmt.optimizers.make_optimizer("Adam", 1e-4))
    trainer(dataset, report_steps=1_000_000, save_steps=None, evaluator=clock, eval_steps=1)
    with open(task["result"], "w") as file:
        json.dump(clock.result, file)


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        main(json.load(opened))
