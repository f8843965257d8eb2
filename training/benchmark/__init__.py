"""Our classifier and its peers on the same splits, in one run: ``python -m training.benchmark FOLDER``."""
