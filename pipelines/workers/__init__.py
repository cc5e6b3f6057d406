"""Training that several devices or processes share."""

from .team import agree, begin, end, fit, is_chief, join, launch, to_launch

__all__ = ["agree", "begin", "end", "fit", "is_chief", "join", "launch", "to_launch"]
