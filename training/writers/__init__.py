"""Many writers on one ledger: the real service, killed at times, and what must hold afterwards."""
