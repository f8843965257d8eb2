"""Write .venv/bin/triage: this checkout first on the path, so no installed package can shadow it."""

from __future__ import annotations

import sys
from pathlib import Path

checkout = Path(__file__).resolve().parent.parent
launcher = Path(sys.executable).parent / "triage"
launcher.write_text(
    f"#!{sys.executable}\n"
    "import sys\n"
    f"sys.path.insert(0, {str(checkout)!r})\n"
    "from service.command import main\n"
    "sys.exit(main())\n",
    encoding="utf-8",
)
launcher.chmod(0o755)
