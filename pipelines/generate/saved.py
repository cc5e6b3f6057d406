"""What a SavedModel answers, from its folder or on a server: what its endpoints take, and no more."""

import contextlib
from collections.abc import Iterator

from pipelines import serve
from pipelines.generate.speakers import Speaker
from pipelines.settings import Generate, Rules
from seq2seq_keras.errors import InputError

_PATIENCE = 600.0
"""Seconds to wait for an answer of a server, which has limits of its own."""
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")
"""What can be told with each request."""
_FIXED = "name the run folder with --model instead"
_AS_EXPORTED = "leave it out: a served model searches as it was exported"


def exported(settings: Generate) -> Speaker:
    """A SavedModel, by its own search or by what its endpoints take."""
    from seq2seq_keras import export

    _as_saved(settings, _FIXED)
    model = export.load(settings.model, settings.batch)
    how = model.settings["search"]
    kind = how.get("kind")
    if settings.strategy.search == "beam" and "Beam" not in str(kind):
        raise InputError(
            f"this SavedModel was exported with {kind} search", remedy="leave --search out, or name the run folder"
        )
    width = next((how[name] for name in ("bank", "count", "width") if name in how), 1)
    if settings.n_best > width:
        raise InputError(f"--n-best is {settings.n_best}", expected=f"at most {width}, the beam of this SavedModel")

    def sample(lines: list[str], given: dict) -> list:
        return model.sample(lines, given.pop("temperature", 1.0), **given)

    answer = _answers(settings, model.nbest, model.scored, sample, model.prefixed)
    return Speaker(answer, model.stream, model.align if "attention" in model.signatures else None)


def served(settings: Generate, stack: contextlib.ExitStack) -> Speaker:
    """A model on a server, by its own search or by what its endpoints take; the stack closes the connections."""
    # The client needs the extra `serve`, which nothing else here does.
    from seq2seq_keras.serve.client import Client

    _as_saved(settings, _AS_EXPORTED)
    if settings.strategy.search == "beam":
        raise InputError(
            "--search beam cannot be asked of a server",
            remedy="leave --search out: a served model searches as it was exported",
        )
    token = serve.token(settings.token_file)
    client = stack.enter_context(
        Client(settings.url, str(settings.model), token=token, timeout=_PATIENCE, batch=settings.batch)
    )
    telling = _refusals_of(settings.url)
    telling(client.status)()  # before anything is read
    if settings.n_best > 1:
        width = telling(client.predict)({"text": [""]}, "nbest")["score"].shape[-1]
        if settings.n_best > width:
            raise InputError(f"--n-best is {settings.n_best}", expected=f"at most {width}, the beam of this model")

    def asked(lines: list[str], endpoint: str, rows: dict, scalars: dict) -> list:
        found = []
        for begin in range(0, len(lines), settings.batch):
            part = slice(begin, begin + settings.batch)
            columns = {name: values[part] for name, values in ({"text": lines} | rows).items()}
            answer = client.predict(columns | scalars, endpoint)
            found += zip(answer["text"].tolist(), answer["score"].tolist(), strict=True)
        return found

    def sample(lines: list[str], given: dict) -> list:
        from seq2seq_keras.export.signatures import SAMPLING

        return asked(lines, "sample", {}, SAMPLING | given)

    def prefixed(lines: list[str], prefixes: list[str]) -> list:
        return asked(lines, "prefixed", {"prefix": prefixes}, {})

    def grow(line: str) -> Iterator[str]:
        with _refusals_of(settings.url):
            for found in client.stream(line):
                yield found["text"]

    answer = _answers(settings, client.nbest, client.scored, sample, prefixed)
    return Speaker(telling(answer), grow, None)


def _answers(settings: Generate, nbest, scored, sample, prefixed):
    """Lines to outputs, by the endpoint that fits what was asked.

    Args:
        nbest: texts to lists of (text, score).
        scored: texts and the name of an endpoint to (text, score).
        sample: texts and settings of the sampling by name to (text, score).
        prefixed: texts and as many prefixes to (text, score).
    """
    strategy, prefix = settings.strategy, settings.rules.prefix
    drawing = {name: getattr(strategy, name) for name in _SAMPLING if getattr(strategy, name) is not None}

    def drawn(lines: list[str]) -> list[list]:
        return [[pair] for pair in sample(lines, dict(drawing))]

    def agreed(lines: list[str]) -> list[list]:
        from seq2seq_keras import metrics

        first = drawing.get("seed", 0)
        draws = [sample(lines, drawing | {"seed": first + more}) for more in range(settings.mbr)]
        texts = [[pairs[row][0] for pairs in draws] for row in range(len(lines))]
        return [[(one[best], 0.0)] for one, best in zip(texts, metrics.consensus(texts))]

    def best(lines: list[str]) -> list[list]:
        endpoint = "greedy" if strategy.search == "greedy" else "serving_default"
        return [[pair] for pair in scored(lines, endpoint)]

    if strategy.search == "sample":
        return agreed if settings.mbr else drawn
    if prefix is not None:
        return lambda lines: [[pair] for pair in prefixed(lines, [prefix] * len(lines))]
    return nbest if settings.n_best > 1 else best


def _as_saved(settings: Generate, remedy: str) -> None:
    """Refuses what only a run can change."""
    strategy, rules = settings.strategy, settings.rules
    sampled = strategy.search == "sample"
    free = {"search", *(_SAMPLING if sampled else ())}
    fixed = [name for name in vars(strategy) if name not in free and getattr(strategy, name) is not None]
    default = Rules()
    fixed += [name for name in vars(rules) if name != "prefix" and getattr(rules, name) != getattr(default, name)]
    fixed += [name for name in ("ensemble", "replace_unknown", "jit") if getattr(settings, name)]
    if fixed:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in fixed)
        raise InputError(f"{flags} cannot be changed in a SavedModel", remedy=remedy)
    if strategy.search == "diverse":
        raise InputError("--search diverse cannot be asked of a SavedModel", remedy=remedy)
    if rules.prefix is not None and (strategy.search is not None or settings.n_best > 1 or settings.stream):
        raise InputError(
            "--prefix goes with the search of a SavedModel and one output a line", remedy="leave the other out"
        )
    if sampled and settings.n_best > 1:
        raise InputError("a SavedModel draws one output a line", remedy="leave --n-best out, or " + _FIXED)
    if settings.stream and strategy.search != "greedy":
        raise InputError("a SavedModel streams greedy search alone", remedy="add --search greedy")


@contextlib.contextmanager
def _refusals_of(url: str):
    """What a server refuses is told as every other mistake is."""
    from seq2seq_keras.serve.status import ServingError

    try:
        yield
    except ServingError as error:
        raise InputError(f"the server says {error.message!r}", where=url) from None
