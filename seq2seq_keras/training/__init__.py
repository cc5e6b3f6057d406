"""What belongs to training beside `compile` and `fit`: schedules, exact resume, best weights, what a person watches."""

from .average import average
from .best import Best
from .checkpoints import Checkpoints, Position, files
from .decoded import DecodedScore
from .finite import RequireFinite
from .interrupts import Interrupted
from .lock import FolderLock
from .precision import choose_precision, use_precision
from .progress import Progress
from .schedules import InverseSquareRoot
from .state import Diverged
from .tensorboard import TensorBoard
from .throughput import PaddingShare, Throughput, TokenCount

__all__ = [
    "Best",
    "Checkpoints",
    "DecodedScore",
    "Diverged",
    "FolderLock",
    "Interrupted",
    "InverseSquareRoot",
    "PaddingShare",
    "Position",
    "Progress",
    "RequireFinite",
    "TensorBoard",
    "Throughput",
    "TokenCount",
    "average",
    "choose_precision",
    "files",
    "use_precision",
]
