"""What there is to be allowed, and which role and which program may be allowed what."""

from __future__ import annotations

PERMISSION_NAMES = {
    "read": "查看、导出",
    "intake": "收件、导入",
    "decide": "认定、改判、并案、排除关联",
    "handle": "签收、联系、答复等办理登记",
    "supervise": "重点督办、调度、难件、延期、退办",
    "close": "办结销号",
    "models": "训练、启用、退回模型",
    "settings": "科室、主题、规则、节假日",
    "accounts": "账号、令牌",
    "metrics": "运行指标",
}
ROLE_PERMISSIONS = {
    "clerk": ("read", "intake", "decide", "handle", "supervise", "close"),
    "handler": ("read", "handle"),
    "leader": ("read", "supervise"),
    "administrator": ("read", "models", "settings", "accounts", "metrics"),
    "reader": ("read",),
}
# a token is for programs: what only a person should do has no scope
SCOPES = ("read", "intake", "decide", "handle", "supervise", "close", "settings", "metrics")
