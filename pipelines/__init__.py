"""Tasks from end to end: `python -m pipelines <task> --help`."""
