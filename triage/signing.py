"""The office's key, by which the program knows the model versions that it wrote itself.

A model file is a pickle: to load it is to run it. Its manifest holds its SHA-256, and the signature (HMAC-SHA256
with the office's key) covers the manifest's bytes, so nothing of a version can be altered or put in unseen.
docs/decisions/0019 says against whom that helps.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path

from triage.errors import InputError, os_reason

KEY_BYTES = 32
SIGNATURE = "manifest.sig"  # beside manifest.json: HMAC-SHA256 of it, hex
_PURPOSE = b"triage model manifest\n"  # a signature of ours made for something else is none for a manifest
# others may do nothing with the file, the group may read it
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


class SigningKey:
    """KEY_BYTES random bytes in a file of mode 0600; read when they are needed, never kept or shown."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether there is a file, good or not."""
        return self.path.exists()

    def make(self) -> None:
        """Make the key unless there is one: whole or not at all, and one only where several make it at once.

        Raises:
            OSError: it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=self.path.parent, prefix=".signing-")  # mode 0600
        try:
            with os.fdopen(number, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, self.path)
            except FileExistsError:
                return
        finally:
            os.unlink(name)

    def check(self) -> None:
        """Raises InputError where the key is not there or cannot be used; the message says what to do."""
        self._key()

    def write_signature(self, folder: Path, manifest: bytes) -> None:
        """Sign a manifest's bytes in its folder.

        Raises:
            InputError: see check. OSError: it cannot be written.
        """
        signature = self._signature(manifest)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".signature-", delete=False) as file:
            file.write(f"{signature}\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o644)  # as its neighbours: whoever may read them may read it
        os.replace(file.name, folder / SIGNATURE)

    def why_unsigned(self, folder: Path, manifest: bytes) -> str:
        """Why these bytes do not count as a manifest that this office signed; empty where they do."""
        path = folder / SIGNATURE
        try:
            given = path.read_bytes().strip() if path.is_file() else b""
            expected = self._signature(manifest)
        except InputError as error:
            return error.message.rstrip("。")
        except OSError as error:
            return f"签名文件 {SIGNATURE} 读不了:{os_reason(error)}"
        if not given:
            return (
                f"没有签名({SIGNATURE}),不能确认是本单位的程序训练的。"
                "若是以前训练的,请运行 triage init --resign,与台账记录相符就会补签"
            )
        if not hmac.compare_digest(given, expected.encode()):
            return (
                "说明文件 manifest.json 与签名不符,可能被改动过,或者不是用本单位的密钥签的。"
                "请从备份恢复模型和密钥,或运行 triage init --resign 与台账核对,或 triage retrain 重新训练"
            )
        return ""

    def _signature(self, manifest: bytes) -> str:
        return hmac.new(self._key(), _PURPOSE + manifest, "sha256").hexdigest()

    def _key(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                key = file.read(KEY_BYTES + 1)
        except FileNotFoundError:
            raise InputError(
                f"签名密钥 {self.path} 不存在。程序刚升级的,请运行 triage init;"
                "密钥丢失的,请从备份放回原处,找不回来再运行 triage init --resign。"
            ) from None
        except OSError as error:
            raise InputError(f"签名密钥 {self.path} 读不了:{os_reason(error)}。") from None
        if mode & _TOO_OPEN:
            raise InputError(
                f"签名密钥 {self.path} 别人也能读写(权限 {mode:04o}),不能用。请运行 chmod 600 {self.path};"
                "若可能已经泄露,请删去它再运行 triage init --resign。"
            )
        if len(key) != KEY_BYTES:
            raise InputError(
                f"签名密钥 {self.path} 已损坏(应为 {KEY_BYTES} 字节)。请从备份恢复,或删去它再运行 triage init --resign。"
            )
        return key
