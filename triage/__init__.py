"""The core: text in, prediction out, ledger kept. Knows no web."""
