"""The inference loop and what picks the next token; knows a model only as `Stepper`."""

from .beam import Beam
from .diverse import DiverseBeam
from .ensemble import Ensemble
from .generate import generate
from .greedy import Greedy
from .hypotheses import Hypotheses
from .lexical import LexicalBeam
from .sample import Sample
from .score import score
from .speculative import Speculated, speculative
from .stream import stream

__all__ = [
    "Beam",
    "DiverseBeam",
    "Ensemble",
    "Greedy",
    "Hypotheses",
    "LexicalBeam",
    "Sample",
    "Speculated",
    "generate",
    "score",
    "speculative",
    "stream",
]
