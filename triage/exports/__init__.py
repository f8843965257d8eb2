"""Files out: the ledger for Excel and for programs, drafts of reply letters."""
