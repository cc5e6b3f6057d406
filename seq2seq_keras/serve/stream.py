"""One text said piece by piece: the greedy search of an export, run outside its graph, so that others see it grow."""

import time
from collections.abc import Generator

import numpy as np

from seq2seq_keras.serve.servable import Servable
from seq2seq_keras.serve.status import Code, ServingError

ENDPOINTS = ("tokenize", "init_state", "step", "detokenize")
"""What a model needs to be heard while it speaks."""
PAD, BOS, EOS = 0, 2, 3
"""Ids that are the same in every export."""
Answers = Generator[dict, None, None]
_CHANGING, _STATE = "carry_", ("carry_", "fixed_")
_CUT = "\N{REPLACEMENT CHARACTER}"
"""What half a letter looks like in a vocabulary of bytes; its other half comes with a later step."""


def able(servable: Servable) -> bool:
    """Whether a model has all the endpoints that `partial_texts` runs."""
    return all(name in servable.signatures for name in ENDPOINTS)


def partial_texts(servable: Servable, text: str, max_length: int | None, deadline: float) -> Answers:
    """Says the answer to one text step by step, the most likely id at every step, as the endpoint `greedy` does.

    The request is checked here and now; the model runs as the answer is iterated over. Closing it ends
    the work: nothing runs between two of its answers.

    Args:
        servable: has `ENDPOINTS`.
        text: the source.
        max_length: most ids to say, EOS included; None takes as many as the model was exported for.
        deadline: `time.monotonic()` when the answer comes too late.

    Returns:
        `{"text": so far, "done": False}` whenever the text has changed, then one
        `{"text": the whole, "score": log p, "done": True}`.

    Raises:
        ServingError: the model lacks an endpoint, the text is no text, `max_length` is not from 1 to the model's
            own; while iterating, the deadline has passed or the model failed.
    """
    for name in ENDPOINTS:
        if name not in servable.signatures:
            had = ", ".join(sorted(servable.signatures)) or "none"
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"model {servable.name} has no endpoint {name}: it cannot be streamed; it has {had}",
            )
    try:
        source = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ServingError(Code.INVALID_ARGUMENT, "the text holds half a character (a lone surrogate)") from None
    return _said(servable, source, _steps(servable, max_length), deadline)


def _steps(servable: Servable, asked: int | None) -> int:
    """How many steps may be taken; caches have room for no more than the export was made for."""
    limit = servable.settings.get("max_length")
    if asked is None and limit is None:
        raise ServingError(
            Code.INVALID_ARGUMENT, f"model {servable.name} does not say how long a text may become: give max_length"
        )
    if asked is None:
        return limit
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise ServingError(Code.INVALID_ARGUMENT, f"max_length must be a whole number from 1, found {asked!r}")
    if limit is not None and asked > limit:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"max_length must be at most {limit}, for which model {servable.name} was exported; found {asked}",
        )
    return asked


def _said(servable: Servable, source: bytes, steps: int, deadline: float) -> Answers:
    """The generator behind `partial_texts`."""

    def run(signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ServingError(Code.DEADLINE_EXCEEDED, "the text was not finished in time")
        return servable.run(signature, inputs, timeout=left)

    def read(ids: list[int]) -> str:
        said = run("detokenize", {"ids": np.asarray([ids], np.int32)})["text"][0]
        return said.decode("utf-8", "replace")

    ids = run("tokenize", {"text": np.asarray([source], object)})["source"]
    state = _named(run("init_state", {"source": ids.astype(np.int32)}), _STATE)
    said, before, shown, score = [], BOS, "", np.float32(0)
    for _ in range(steps):
        after = run("step", {"ids": np.asarray([before], np.int32)} | state)
        state |= _named(after, _CHANGING)
        log_probs = speakable(after["logits"][0])
        before = int(np.argmax(log_probs))
        said.append(before)
        score += log_probs[before]
        if before == EOS:
            break
        now = read(said).rstrip(_CUT)
        if now != shown:
            shown = now
            yield {"text": shown, "done": False}
    yield {"text": read(said), "score": float(score), "done": True}


def speakable(logits: np.ndarray) -> np.ndarray:
    """(V,) logits to (V,) float32 log probabilities, PAD and BOS impossible: no text may hold them."""
    logits = logits.astype(np.float32)
    shifted = logits - logits.max()
    log_probs = shifted - np.log(np.exp(shifted).sum())
    log_probs[[PAD, BOS]] = -np.inf
    return log_probs


def _named(tensors: dict[str, np.ndarray], prefixes: str | tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those whose name begins so."""
    return {name: value for name, value in tensors.items() if name.startswith(prefixes)}
