"""Load a fitted system in a fresh process, ask it once, and print the seconds that took."""

import time

_STARTED = time.perf_counter()  # before the imports: they are part of loading

import sys  # noqa: E402

import joblib  # noqa: E402

from triage.documents.rows import Row  # noqa: E402


def main(path: str) -> None:
    """Print seconds from the start to the first answer."""
    joblib.load(path).ask([Row(1, {"title": "", "body": "请解决停车收费问题。"})])
    print(time.perf_counter() - _STARTED)


if __name__ == "__main__":
    main(sys.argv[1])
