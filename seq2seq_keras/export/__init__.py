"""A model as a SavedModel: strings in, strings out, with no code of ours to load it."""

from .archive import write
from .card import Card
from .fresh import check
from .loaded import Exported, load
from .manifest import verify

__all__ = ["Card", "Exported", "check", "load", "verify", "write"]
