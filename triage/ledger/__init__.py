"""The shared ledger: tables, then one noun a file. Functions take a session and never commit."""
