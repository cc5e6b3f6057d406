"""What belongs to training beside `compile` and `fit`: schedules, exact resume, best weights, what a person watches."""

from .accumulated import Accumulated
from .average import average
from .averaged import Averaged, ShowAverages
from .bad_batches import BadBatches
from .best import Best
from .checkpoints import Checkpoints, Position, files
from .decoded import DecodedScore
from .distributed import Workers
from .distributed_cluster import Cluster, meet, read_cluster
from .distributed_fit import fit_together
from .finite import RequireFinite
from .first_weights import take_weights
from .freeze import freeze, named
from .guarded import GuardedOptimizer, guard
from .interrupts import Interrupted
from .lock import FolderLock
from .low_rank import LowRank, adapted_numbers
from .precision import choose_precision, use_precision
from .progress import Progress
from .schedules import InverseSquareRoot
from .state import Diverged
from .tensorboard import TensorBoard
from .throughput import PaddingShare, Throughput, TokenCount

__all__ = [
    "Accumulated",
    "Averaged",
    "BadBatches",
    "Best",
    "Checkpoints",
    "Cluster",
    "DecodedScore",
    "Diverged",
    "FolderLock",
    "GuardedOptimizer",
    "Interrupted",
    "InverseSquareRoot",
    "LowRank",
    "PaddingShare",
    "Position",
    "Progress",
    "RequireFinite",
    "ShowAverages",
    "TensorBoard",
    "Throughput",
    "TokenCount",
    "Workers",
    "adapted_numbers",
    "average",
    "choose_precision",
    "files",
    "fit_together",
    "freeze",
    "guard",
    "meet",
    "named",
    "read_cluster",
    "take_weights",
    "use_precision",
]
