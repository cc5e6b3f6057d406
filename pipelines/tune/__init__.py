"""The search for good settings; every trial is a run."""
