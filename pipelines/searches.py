"""The search that a command line asks for: that of a run, changed."""

import dataclasses

import numpy as np

from pipelines.settings import Rules, Strategy
from seq2seq_keras import data, decode, tokens
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError

_KINDS = {"greedy": decode.Greedy, "beam": decode.Beam, "diverse": decode.DiverseBeam, "sample": decode.Sample}
_OPTIONS = {
    "greedy": (),
    "beam": ("beam", "length_penalty", "coverage_penalty"),
    "diverse": ("beam", "length_penalty", "groups", "diversity"),
    "sample": ("temperature", "top_k", "top_p", "min_p", "best_of", "seed"),
}
_FIELDS = {"beam": "width", "best_of": "count"}
"""Options that have another name in the library."""


def asked(strategy: Strategy, rules: Rules, task, n_best: int = 1):
    """The search of a task, changed as asked.

    Args:
        task: `TextToText`.
        n_best: outputs of each text; a beam that was not asked for is as wide as they need.

    Raises:
        InputError: options that have no meaning together, or that this model cannot follow.
    """
    given = {name: value for name, value in vars(strategy).items() if name != "search" and value is not None}
    kind = strategy.search or _kind(task.search, given, n_best, bool(rules.must))
    foreign = [] if kind is None else [name for name in given if name not in _OPTIONS[kind]]
    if foreign:
        flags = " and no ".join(f"--{name.replace('_', '-')}" for name in foreign)
        fits = [name for name in _OPTIONS if set(given) <= set(_OPTIONS[name])]
        raise InputError(
            f"{kind} search has no {flags}",
            remedy=f"add --search {fits[0]}, or leave it out" if fits else "leave it out",
        )
    try:
        search = _made(kind, given, rules, task, n_best, _controls(rules, task))
    except InputError:
        raise
    except ValueError as error:  # the library's own words, of a number out of its range
        raise InputError(f"there is no such search: {error}") from None
    if search.needs_attention and getattr(task.model, "alignment", None) is None:
        raise InputError("--coverage-penalty needs a model with attention", remedy="leave it out")
    return search


def _kind(saved, given: dict, n_best: int, must: bool) -> str | None:
    """What to search by where that was not said: what the options belong to, or None for what was saved."""
    greedy = type(saved) is decode.Greedy
    if not (given or must or greedy and n_best > 1):
        return None
    kind = next((name for name, found in _KINDS.items() if type(saved) is found), "beam")
    return "beam" if must or greedy and set(given) <= set(_OPTIONS["beam"]) else kind


def _made(kind: str | None, given: dict, rules: Rules, task, n_best: int, obeyed: tuple):
    fields = {_FIELDS.get(name, name): value for name, value in given.items()}
    saved = task.search
    wanted = _KINDS.get(kind, type(saved))
    if rules.must:
        if kind != "beam":
            raise InputError(f"--must cannot be obeyed by {kind} search", remedy="leave --search out")
        if "coverage_penalty" in fields:
            raise InputError("--must goes with no --coverage-penalty", remedy="leave one of them out")
        phrases = _must(rules, task, obeyed)
        width = fields.pop("width", getattr(saved, "width", 5) if isinstance(saved, decode.Beam) else 5)
        wanted, fields = decode.LexicalBeam, {"phrases": phrases, "bank": width} | fields
    known = {field.name for field in dataclasses.fields(wanted)}
    alike = known if type(saved) is wanted else known & {"length_penalty"}
    kept = {field.name: getattr(saved, field.name) for field in dataclasses.fields(saved) if field.name in alike}
    if type(saved) is decode.Greedy and kind == "beam" and not (given or rules.must):
        kept["length_penalty"] = 0.0  # likelihood alone ranks, as it did
    fields = kept | fields | {"controls": obeyed}
    if "n_best" in known:
        fields |= {"n_best": n_best} | _room(wanted, fields, n_best, given)
    return wanted(**fields)


def _room(wanted, fields: dict, n_best: int, given: dict) -> dict:
    """The size of a search that has room for so many outputs."""
    size = {decode.LexicalBeam: "bank", decode.Sample: "count"}.get(wanted, "width")
    found = fields.get(size, getattr(wanted, size, None))
    if not 1 <= found < n_best:
        return {}
    option = next((name for name in ("beam", "best_of") if name in given), None)
    if option is not None:
        flag = option.replace("_", "-")
        raise InputError(f"--n-best is {n_best}", expected=f"at most {given[option]}, the --{flag} given")
    groups = fields.get("groups", getattr(wanted, "groups", 1))
    return {size: -(-n_best // groups) * groups}


def _controls(rules: Rules, task) -> tuple:
    """The controls of the task's search, those that were asked for in place of any of the same kind."""
    asked = {
        controls.MinLength: {"length": rules.min_length, "of_source": rules.min_ratio},
        controls.MaxLength: {"length": rules.max_length, "of_source": rules.max_ratio},
        controls.NoRepeat: {"size": rules.no_repeat},
        controls.RepetitionPenalty: {"factor": rules.repetition_penalty},
        controls.Banned: {"phrases": _ids(rules.ban, task, "--ban", strict=False) or None},
        controls.Shortlist: {"ids": _listed(rules, task)},
        controls.Prefix: {"ids": None if rules.prefix is None else _ids((rules.prefix,), task, "--prefix")[0]},
    }
    found = list(task.search.controls)
    for kind, fields in asked.items():
        fields = {name: value for name, value in fields.items() if value is not None}
        if not fields:
            continue
        place = next((place for place, control in enumerate(found) if type(control) is kind), None)
        if place is None:
            found.append(kind(**fields))
        else:
            found[place] = dataclasses.replace(found[place], **fields)
    for control in found:
        _check_room(control, task.max_length)
    return tuple(found)


def _check_room(control, most: int) -> None:
    """What no output of at most `most` ids could obey."""
    if isinstance(control, controls.Prefix) and len(control.ids) >= most:
        raise InputError(f"--prefix has {len(control.ids):,} tokens", expected=f"fewer than {most}, the longest output")
    if isinstance(control, controls.MinLength) and control.length >= most:
        raise InputError(f"--min-length is {control.length:,}", expected=f"less than {most}, the longest output")


def _must(rules: Rules, task, obeyed: tuple) -> tuple[tuple[int, ...], ...]:
    """Ids of the phrases that must appear, none of them forbidden."""
    phrases = _ids(rules.must, task, "--must")
    for text, phrase in zip(rules.must, phrases):
        forbidding = tuple(one for one in obeyed if isinstance(one, controls.Banned | controls.Shortlist))
        try:
            controls.check((controls.Prefix(phrase), *forbidding))
        except ValueError:
            raise InputError(f"--must {text!r} is forbidden by --ban or --only", remedy="leave it out") from None
    least = 1 + len({i for phrase in phrases for i in phrase})
    if least > task.max_length or max(map(len, phrases)) >= task.max_length:
        raise InputError(f"--must asks for {least - 1:,} tokens", expected=f"fewer than {task.max_length}")
    return phrases


def _listed(rules: Rules, task) -> tuple[int, ...] | None:
    """Ids of all tokens in the file of `--only`."""
    if rules.only is None:
        return None
    found = tokens.encode_all(data.read_lines(rules.only), task.target)
    ids = np.unique(found.values)
    known = tuple(ids[~task.target.unknown(ids)].tolist())
    if not known:
        raise InputError("there is no token of the vocabulary in it", where=rules.only)
    return known


def _ids(texts: tuple[str, ...], task, flag: str, strict: bool = True) -> tuple[tuple[int, ...], ...]:
    """Ids of phrases.

    Args:
        strict: refuses what the vocabulary has no piece for; else it is left out, since it is never said.
    """
    found = []
    for text, ids in zip(texts, task.target.encode(list(texts)).to_list() if texts else ()):
        if not ids:
            raise InputError(f"{flag} {text!r} holds no token", expected="a word or a phrase")
        if not task.target.unknown(np.array(ids)).any():
            found.append(tuple(ids))
        elif strict:
            raise InputError(f"{flag} {text!r} has a part that the vocabulary lacks")
    return tuple(found)
