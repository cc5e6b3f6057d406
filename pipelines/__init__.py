"""One file a command: data -> model -> fit -> measure -> export. Run `python -m pipelines --help`."""
