"""The loops of KerasHub's samplers, which XLA compiles whole, one program for each shape.

KerasHub compiles its generation with XLA, so its sampler is measured in the same frame: tokenizer, compiled loop,
detokenizer. Its step is that of our model, with the cache at its full length, as KerasHub has it.
"""

from collections.abc import Callable

import numpy as np
from keras import ops, tree

from pipelines.bench.decode.cases import Case
from pipelines.bench.decode.systems import Said
from seq2seq_keras import cores, tokens
from seq2seq_keras.context import BOS, EOS, PAD, DecodeState
from seq2seq_keras.decode.places import speakable
from seq2seq_keras.tasks import TextToText
from seq2seq_keras.tasks.compiled import CompiledLoop
from seq2seq_keras.tasks.graphs import hearing


class Compiled:
    """Texts to texts through a compiled loop.

    Args:
        loop: takes what `decode.generate` does; returns (B, L) int32 ids said.
    """

    def __init__(self, task: TextToText, loop: Callable):
        self._task, self._loop = task, CompiledLoop(loop)
        self._ids = hearing(task.source, task.max_source)

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def __call__(self, case: Case, given: list[str]) -> list[tuple[list[int], tuple[np.ndarray, list[str]]]]:
        def said_of(places):
            ids = self._ids(tokens.strings([given[place] for place in places]))
            said = self._loop(self._task.model, ids, case.search, self._task.max_length).numpy()
            return said, [self._task.target.written(row) for row in said]

        return list(cores.side_by_side(given, case.batch, said_of))

    def read(self, case: Case, texts: list[str], found: list[tuple[list[int], tuple[np.ndarray, list[str]]]]) -> Said:
        rows = {}
        for places, (ids, said) in found:
            rows |= dict(zip(places, zip(said, lengths(ids), strict=True), strict=True))
        return Said(*map(list, zip(*(rows[place] for place in range(len(texts))), strict=True)))


def lengths(ids: np.ndarray) -> list[int]:
    """(B, L) ids to how many there are up to the first EOS, it included; whatever follows is no output."""
    ends = ids == EOS
    before = np.cumsum(ends, axis=1) - ends == 0
    return (before & (ids != PAD)).sum(axis=1).tolist()


def keras_hub(model, ids, search, max_length: int):
    """The loop of KerasHub's greedy or beam sampler over this model's cached step.

    Its beam has no length penalty, goes on after EOS, and stops when every beginning holds one.

    Raises:
        ImportError: it is not installed.
    """
    from keras_hub import samplers

    sampler = samplers.GreedySampler() if search.width == 1 else samplers.BeamSampler(num_beams=search.width)
    start = model.init_state(ids, max_length)
    # Once, and not at every step: in its favour, since its own models repeat the source in each.
    fixed = tree.map_structure(lambda leaf: ops.repeat(leaf, search.width, axis=0), start.fixed)
    prompt = ops.pad(ops.full((ids.shape[0], 1), BOS, "int32"), [[0, 0], [0, max_length]], constant_values=PAD)

    def step(prompt, cache, index):
        logits, after = model.step(prompt[:, index - 1], DecodeState(cache, fixed))
        return speakable(logits), None, after.carry

    said = sampler(step, prompt, cache=start.carry, index=1, mask=ops.equal(prompt, BOS), stop_token_ids=[EOS])
    return said[:, 1:]
