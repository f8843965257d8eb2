"""Files in: suggestions out of Word, PDF and text, rows out of ledger sheets."""
