"""Make sure that the tests have their programs: a browser (Debian's, else playwright's own), LibreOffice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A program that the tests start, under any of its names, and the packages that bring it."""

    name: str
    commands: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        return any(shutil.which(command) for command in self.commands)


BROWSER = Program(
    "浏览器 chromium", ("chromium", "chromium-browser", "google-chrome"), ("chromium", "fonts-noto-cjk")
)
OFFICE = Program("LibreOffice", ("soffice",), ("libreoffice-writer-nogui", "libreoffice-calc-nogui"))


def main() -> int:
    missing = [program for program in (BROWSER, OFFICE) if not program.is_there]
    if missing and shutil.which("apt-get"):
        print(f"安装测试所需的程序:{'、'.join(program.name for program in missing)} …", flush=True)
        install(missing)
        missing = [program for program in missing if not program.is_there]
    if BROWSER in missing:
        print("改用 playwright 自带的浏览器…", flush=True)
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        if subprocess.run(command, check=False).returncode == 0:
            missing.remove(BROWSER)
    for program in missing:
        also = ",playwright 也下载不了" if program is BROWSER else ""
        print(
            f"没有可用的 {program.name}:apt 装不上{also}。\n"
            f"请由管理员安装(apt-get install {' '.join(program.packages)})后再运行 make test。",
            file=sys.stderr,
        )
    return 1 if missing else 0


def install(programs: Iterable[Program]) -> None:
    """All at once; one by one where that fails, since some systems have no package for one of them."""
    packages = [package for program in programs for package in program.packages]
    if not apt("update") or apt("install", *packages):
        return
    for program in programs:
        apt("install", *program.packages)


def apt(act: str, *packages: str) -> bool:
    """Whether apt-get did it, as the administrator and without a question."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not shutil.which("sudo"):
        return False
    options = ["-y", "--no-install-recommends"] if packages else []
    done = subprocess.run(
        [*as_root, "apt-get", "-qq", act, *options, *packages],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
