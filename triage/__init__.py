"""The core: text in, prediction out, ledger kept. Knows no web."""

VERSION = "0.1.0"  # as in pyproject.toml
