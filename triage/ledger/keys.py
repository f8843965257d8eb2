"""Secrets that let somebody in: made at random, shown once, kept as their hash only."""

from __future__ import annotations

import hashlib
import secrets


def new_key(prefix: str = "") -> str:
    """43 random characters behind a prefix that tells what they are for."""
    return prefix + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """What is kept of a key. It has 256 random bits, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()
