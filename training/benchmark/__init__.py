"""Our classifier and its peers on the same splits, our search and its peers on the same pools, in one run:
``python -m training.benchmark FOLDER``."""
