"""Pages for TensorBoard: a callback that keeps the writer, and parts that each show one kind of thing."""

from .board import Page, TensorBoard
from .graph import Graph
from .histograms import Histograms
from .hparams import HParams, flat, write_final
from .maps import AttentionMaps, heat_map
from .profile import Profile
from .projector import Projector
from .samples import Samples
from .scalars import Scalars, of_optimizer
from .trace import operations

__all__ = [
    "AttentionMaps",
    "Graph",
    "HParams",
    "Histograms",
    "Page",
    "Profile",
    "Projector",
    "Samples",
    "Scalars",
    "TensorBoard",
    "flat",
    "heat_map",
    "of_optimizer",
    "operations",
    "write_final",
]
