"""Make sure that the tests have a browser: Debian's chromium, else playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    if any(shutil.which(name) for name in NAMES):
        return 0
    if shutil.which("apt-get"):
        print("安装 chromium(测试用的浏览器)…", flush=True)
        apt = [] if os.geteuid() == 0 else ["sudo", "-n"]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        update = subprocess.run([*apt, "apt-get", "-qq", "update"], env=env, check=False)
        if update.returncode == 0:
            packages = ["chromium", "fonts-noto-cjk"]
            subprocess.run(
                [*apt, "apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages],
                env=env,
                check=False,
                stdout=subprocess.DEVNULL,
            )
        if any(shutil.which(name) for name in NAMES):
            return 0
    print("改用 playwright 自带的浏览器…", flush=True)
    own = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if own.returncode == 0:
        return 0
    print(
        "没有可用的浏览器:apt 装不上 chromium,playwright 也下载不了。\n"
        "请由管理员安装 chromium(apt-get install chromium)后再运行 make test。",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
