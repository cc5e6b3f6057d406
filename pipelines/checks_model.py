"""What can be known to be wrong with the flags of a model before anything is built."""

from pipelines import families
from pipelines.settings import Model, Translate
from seq2seq_keras import models
from seq2seq_keras.embed import LearnedPositions
from seq2seq_keras.errors import InputError

_FROM_ONE = "width embedding depth decoder_depth heads memory_heads inner"
_FROM_ZERO = "coverage_loss"
_SHARES = "dropout recurrent_dropout"


def check(settings: Model) -> None:
    """Refuses flags that the family does not take, or that cannot work together.

    Raises:
        InputError: names the first such flag, what was found and what would do.
    """
    families.check(settings)
    _numbers(families.given(settings))
    built = families.arguments(settings)
    if "heads" in built:
        _heads(built)
    else:
        _recurrent(settings.family, built)
    if "coverage" in built:
        _looking(built)


def with_texts(settings: Translate) -> None:
    """Refuses what the model cannot do with such texts.

    Raises:
        InputError: names what was found and what would do.
    """
    built = families.arguments(settings.model)
    if built.get("copy") and not settings.tokens.shared:
        raise InputError("--copy needs one vocabulary for both sides", remedy="leave --tokens.no-shared out")
    longest = max(settings.max_source, settings.max_target, settings.max_length)
    if built.get("positions") == "learned" and longest > LearnedPositions().limit:
        raise InputError(
            f"--positions learned with texts of up to {longest} ids",
            expected=f"at most {LearnedPositions().limit}",
            remedy="lower --max-source, --max-target and --max-length",
        )


def _numbers(flags: dict) -> None:
    for names, good, expected in (
        (_FROM_ONE, lambda value: value >= 1, "1 or more"),
        (_FROM_ZERO, lambda value: value >= 0, "0 or more"),
        (_SHARES, lambda value: 0 <= value < 1, "from 0 to below 1"),
    ):
        for name in names.split():
            if name in flags and not good(flags[name]):
                raise InputError(f"{families.flag(name)} is {flags[name]}", expected=expected)


def _heads(built: dict) -> None:
    width, heads, memory_heads = built["width"], built["heads"], built["memory_heads"]
    if width % heads or width % 2:
        raise InputError(
            f"--width is {width} and --heads {heads}", expected="a width that is even and a multiple of the heads"
        )
    if memory_heads and heads % memory_heads:
        raise InputError(f"--heads is {heads} and --memory-heads {memory_heads}", expected="a multiple of them")
    if built["positions"] == "rotary" and width // heads % 2:
        raise InputError(
            f"--positions rotary with heads of width {width // heads}",
            expected="an even one",
            remedy="change --width or --heads",
        )


def _recurrent(family: str, built: dict) -> None:
    if built["bidirectional"] and built["width"] % 2 and family != "bahdanau":
        raise InputError(f"--width is {built['width']}", expected="an even number: each direction has half of it")
    if family == "cho" and built["bridge"] not in models.POOLS:
        raise InputError(f"--bridge {built['bridge']} makes no vector", expected=", ".join(models.POOLS))
    layers = built["bridge"] in ("copy", "project") and built["decoder_depth"]
    if layers and built["depth"] < layers:
        raise InputError(
            f"--decoder-depth is {layers} and the encoder has {built['depth']}",
            expected="no more than the encoder has: they begin with the states of its topmost layers",
            remedy="raise --depth",
        )


def _looking(built: dict) -> None:
    if built["coverage"] and built["attention"] != "additive":
        raise InputError(f"--coverage with --attention {built['attention']}", expected="--attention additive")
    wide = built["bidirectional"] and "input_feeding" not in built
    if built["attention"] in ("dot", "scaled") and wide:
        raise InputError(
            f"--attention {built['attention']} over an encoder that is twice as wide as the decoder",
            expected="additive or general",
            remedy="add --no-bidirectional, or choose another attention",
        )
    if built["bridge"] == "copy" and wide:
        raise InputError(
            "--bridge copy from an encoder that is twice as wide as the decoder",
            expected="another bridge",
            remedy="add --no-bidirectional",
        )
