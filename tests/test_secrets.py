"""Passwords and keys in settings never come back in what the program says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.command import main
from triage.config import Settings
from triage.ledger.store import Ledger
from triage.webhook import WebhookFailed, send_webhook

SECRET = "s3cretWord"
WRONG = [
    f"nonsense {SECRET}",
    f"postgres://u:{SECRET}@127.0.0.1/db",
    f"mysql://u:{SECRET}@127.0.0.1/db",
    f"postgresql+asyncpg://u:{SECRET}@127.0.0.1/db",
    f"postgresql://u:p@{SECRET}@127.0.0.1/db",
    f"postgresql://u:pw@127.0.0.1:{SECRET}/db",
    f"postgresql://{SECRET}:x/db",
    f"postgresql:/u:{SECRET}@127.0.0.1/db",
]
# right in form, and nobody is there
NOBODY = [
    f"postgresql://u:{SECRET}@127.0.0.1:1/db?connect_timeout=2",
    f"postgresql://u@127.0.0.1:1/db?connect_timeout=2&password={SECRET}",
    f"postgresql://u:{SECRET}@127.0.0.1:1/db?no_such_option={SECRET}",
]


def refused(capsys: pytest.CaptureFixture[str], home: Path, *argv: object) -> str:
    """What a command said that ended with one sentence and no secret."""
    capsys.readouterr()
    assert main(["--home", str(home), *map(str, argv)]) == 1
    out, err = capsys.readouterr()
    assert err.strip().startswith("错误:")
    assert SECRET not in out + err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("url", WRONG + NOBODY)
@pytest.mark.parametrize("command", [["list"], ["init"]])
def test_no_command_repeats_the_databases_password(
    url: str,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    said = refused(capsys, tmp_path, *command)
    assert ("数据库地址无效" if url in WRONG else "打不开") in said


@pytest.mark.parametrize("url", WRONG[1:] + NOBODY)
def test_moving_the_ledger_repeats_no_password_and_makes_no_file_of_it(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    ledger.migrate()
    ledger.close()
    refused(capsys, tmp_path, "migrate-ledger", "old.sqlite3", url)
    refused(capsys, tmp_path, "migrate-ledger", url, "new.sqlite3")
    assert not [path for path in tmp_path.rglob("*") if SECRET in path.name]


def test_a_password_with_an_at_sign_is_told_how_to_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", WRONG[4])
    assert "@ 要写成 %40" in refused(capsys, tmp_path, "list")


def test_settings_and_ledger_show_themselves_without_secrets() -> None:
    env = {"TRIAGE_DATABASE_URL": NOBODY[0], "TRIAGE_OIDC_CLIENT_SECRET": SECRET}
    assert SECRET not in repr(Settings.from_env(env))
    for url in NOBODY[:2]:
        place = Ledger(url).place
        assert SECRET not in place
        assert "127.0.0.1:1/db" in place


@contextmanager
def speaking(answer: bytes) -> Iterator[int]:
    """A port where somebody answers with these bytes, once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n", b"not http\r\n\r\n", b""]
)
def test_what_lets_a_program_send_reminders_is_not_repeated(answer: bytes) -> None:
    with speaking(answer) as port, pytest.raises(WebhookFailed) as caught:
        send_webhook(f"http://127.0.0.1:{port}/hook/{SECRET}?access_token={SECRET}", {})
    assert f"http://127.0.0.1:{port} " in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://h/{SECRET}",
        f"http://u:{SECRET}@127.0.0.1/x",
        f"http://127.0.0.1:{SECRET}/",
        f"http://127.0.0.1/{SECRET} x",
        f"http://127.0.0.1/{SECRET}提醒",
        f"http://[{SECRET}/",
    ],
)
def test_an_address_for_reminders_that_is_none_is_not_repeated(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "回调地址无效" in refused(capsys, tmp_path, "remind", "--webhook", url)
