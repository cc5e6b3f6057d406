"""What training minimises."""

from .coverage import CoverageLoss
from .cross_entropy import CrossEntropy, token_log_probs
from .r_drop import RDrop
from .scheduled import ScheduledSampling
from .schedules import Constant, Exponential, InverseSigmoid, Linear

__all__ = [
    "Constant",
    "CoverageLoss",
    "CrossEntropy",
    "Exponential",
    "InverseSigmoid",
    "Linear",
    "RDrop",
    "ScheduledSampling",
    "token_log_probs",
]
