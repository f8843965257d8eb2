"""Labelled data, training, evaluation and the gate before promotion."""
