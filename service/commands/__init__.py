"""What each command does; arguments come parsed, errors go up as TriageError."""
