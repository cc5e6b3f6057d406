"""The graph of a model."""

import tensorflow as tf

from seq2seq_keras.training.tensorboard.board import Page


class Graph(Page):
    """The operations of one forward pass, grouped by layer, when training begins.

    Tracing takes from a half to a few seconds.
    """

    def begin(self, model, folder):
        specs = tf.nest.map_structure(lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), model.input)
        traced = tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(specs)
        tf.summary.graph(traced.graph)
