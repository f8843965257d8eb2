"""Faults tried on the real service while people write: what was lost, what was said, when it was back."""
