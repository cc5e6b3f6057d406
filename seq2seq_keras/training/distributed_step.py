"""One training step of which every device computes a part, and whose sum is that of one device."""

import keras
import tensorflow as tf
from keras import ops

from seq2seq_keras.context import PAD

_GOLDEN = 0x9E3779B9


def training_step(model: keras.Model, workers, signature):
    """A function of (inputs, labels) that trains a compiled model on one batch and returns its metrics.

    The rows of the batch are dealt out like cards. Each device takes the gradient over its rows; the losses are
    weighted by the devices' shares of the real tokens of the whole batch, so that the sum of the gradients is the
    gradient of the loss that one device would have, but for the order of additions. The optimizer then sees plain
    tensors and runs once a process: clipping, guards and schedules are those of one device.

    Numbers drawn in training differ between devices: number 0 draws what one device would draw.

    Args:
        model: `Seq2Seq`, compiled with a loss of this library, or one like them: its `call` returns one number, a
            `mean` over the real tokens of the batch or their `sum` as its `reduction` says, and 0 where there are
            none. The variables of its metrics are sums over examples.
        workers: `Workers`.
        signature: `element_spec` of the batches.

    Returns:
        a function of one batch `(inputs, labels (B, T))` to a dict of figures.

    Raises:
        ValueError: the loss has another reduction.
    """
    reduction = getattr(model.loss, "reduction", None)
    if reduction not in ("mean", "sum"):
        raise ValueError(f"the loss must have a reduction of mean or sum over tokens, found {reduction!r}")
    trainable, optimizer, replicas = model.trainable_variables, model.optimizer, workers.replicas
    tracker = next(metric for metric in model.metrics if metric.name == "loss")
    own = {id(variable) for variable in tracker.variables}
    sums = [variable for variable in model.metrics_variables if id(variable) not in own]
    kept = list({id(variable): variable for variable in model.non_trainable_variables}.values())
    seeds = [variable for variable in kept if variable.name == "seed_generator_state"]
    running = [variable for variable in kept if variable.dtype.startswith("float")]

    def replica(inputs, labels):
        context = tf.distribute.get_replica_context()
        mine = tf.cast(context.replica_id_in_sync_group, tf.int32)
        x, y, dealt = _deal(inputs, labels, mine, replicas)
        state = [(variable, variable.value + _offset(mine, variable.dtype)) for variable in seeds]
        state += [(variable, tf.zeros(variable.shape, variable.dtype)) for variable in sums]
        with keras.StatelessScope(state, collect_losses=True) as scope, tf.GradientTape() as tape:
            made = getattr(model.loss, "inputs", None)
            x = x if made is None else made(model, x)
            predicted = model(x, training=True)
            added = sum(model.losses, tf.zeros(()))
            # Keras divides what layers add by the number of replicas.
            each = model.compute_loss(x=x, y=y, y_pred=predicted, training=True) - added / replicas
            share = _tokens(y) / tf.maximum(_tokens(labels), 1.0)
            loss = (each * share if reduction == "mean" else each) + added * share
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, trainable)
        with scope:
            # Where there are fewer rows than devices, some have none to count.
            model.compute_metrics(x, y[:dealt], predicted[:dealt])
        there = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        counted = [scope.get_current_value(variable) for variable in sums]
        means = [ops.convert_to_tensor(_or(scope.get_current_value(v), v.value)) / replicas for v in running]
        parts = context.all_reduce(tf.distribute.ReduceOp.SUM, [*there, *counted, *means, loss])
        drawn = [scope.get_current_value(variable) - _offset(mine, variable.dtype) for variable in seeds]
        found = iter(parts)
        return (
            [None if gradient is None else next(found) for gradient in gradients],
            [next(found) for _ in sums],
            [next(found) for _ in running],
            next(found),
            drawn,
        )

    @tf.function(input_signature=signature, autograph=False)
    def step(inputs, labels):
        each = workers.strategy.run(replica, args=(inputs, labels))
        first = keras.tree.map_structure(lambda value: workers.strategy.experimental_local_results(value)[0], each)
        gradients, counted, means, loss, drawn = first
        model.weigh(labels)
        optimizer.apply(gradients, trainable)
        for variable, value in zip([*running, *seeds], [*means, *drawn]):
            variable.assign(value)
        for variable, value in zip(sums, counted):
            variable.assign_add(value)
        tracker.update_state(loss, sample_weight=tf.shape(labels)[0])
        return model.get_metrics_result()

    return step


def _deal(inputs: dict, labels, mine, replicas: int):
    """Rows mine, mine + replicas and so on of a batch, and how many; where there is none, row 0 without its labels."""
    rows = tf.range(mine, tf.shape(labels)[0], replicas)
    dealt = tf.size(rows)
    rows = tf.cond(dealt > 0, lambda: rows, lambda: tf.zeros([1], tf.int32))
    y = tf.where(dealt > 0, tf.gather(labels, rows), PAD)
    return {name: tf.gather(value, rows) for name, value in inputs.items()}, y, dealt


def _tokens(labels):
    return tf.reduce_sum(tf.cast(tf.not_equal(labels, PAD), tf.float32))


def _offset(replica, dtype: str):
    """(2,) to add to a seed and its count: nothing for replica 0, numbers far apart for others."""
    return tf.cast(tf.stack([tf.cast(replica, tf.int64) * _GOLDEN % 2**32, 0]), dtype)


def _or(value, other):
    return other if value is None else value
