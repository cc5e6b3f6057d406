"""The weights of a trained model as the first ones of another."""

import keras

from seq2seq_keras.errors import InputError

_SHOWN = 5


def take_weights(model: keras.Model, trained: keras.Model, where: object = "") -> None:
    """Gives a model the weights of one that has the same; states of random generators stay its own.

    Args:
        where: what the trained model was read from, for the message.

    Raises:
        InputError: other weights; nothing was changed.
    """
    ours, theirs = model.weights, trained.weights
    problems = [
        f"{other.path} {tuple(other.shape)} is {one.path} {tuple(one.shape)} here"
        for one, other in zip(ours, theirs)
        if tuple(one.shape) != tuple(other.shape)
    ]
    if len(ours) != len(theirs):
        problems.append(f"{len(theirs)} weights are {len(ours)} here")
    if problems:
        raise InputError(
            f"holds another model: {'; '.join(problems[:_SHOWN])}",
            where=where,
            remedy="build the model with the settings that one was trained with",
        )
    for one, other in zip(ours, theirs):
        one.assign(other)
