"""What must hold whichever host answers: each check asks two of them and says what it saw."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from training.hosts.office import LOGIN, PASSWORD, Host, Office
from training.hosts.visitor import Visitor
from training.writers.client import Address, Client
from triage.ledger.account_tables import AttemptRow
from triage.ledger.tables import CaseRow, EventRow

TEXT = {"title": "关于改造农村电网的建议", "received_on": "2026-01-12", "kind": "建议"}
WRONG = PASSWORD[:-1]
POLL = 0.05
FOLLOW_SECONDS = 5.0  # within which one host does what another decided


@dataclass(frozen=True)
class Finding:
    """What a check saw, in words; ``held``: whether it is as it must be."""

    what: str
    held: bool
    told: str


def at_once(office: Office, path: str, bodies: Sequence[dict[str, Any]], **headers: str) -> list[Any]:
    """Status and answer of each host, all asked at the same moment."""
    start, found = threading.Barrier(len(bodies)), [None] * len(bodies)

    def act(place: int) -> None:
        start.wait()
        found[place] = ask(office.hosts[place].address, office, "POST", path, bodies[place], **headers)

    threads = [threading.Thread(target=act, args=(place,)) for place in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def ask(address: Address, office: Office, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Status and answer of one request of the program."""
    with Client([address], office.token) as client:
        return client.ask(method, path, body, **headers)


def seconds_until(true: Callable[[], bool], most: float) -> float:
    """How long it took; infinite where it was not true within ``most`` seconds."""
    began = time.monotonic()
    while time.monotonic() < began + most:
        with suppress(OSError):
            if true():
                return time.monotonic() - began
        time.sleep(POLL)
    return float("inf")


def same_key(office: Office, times: int = 20) -> Finding:
    """The same Idempotency-Key at both hosts at the same moment is one case."""
    wrong = 0
    for n in range(times):
        item = {**TEXT, "body": f"变压器老旧,春节停电,同键{n}。"}
        answers = at_once(office, "/api/cases", [item, item], idempotency_key=f"same-{n}")
        created = sorted(answer["created"] for _, answer in answers)
        wrong += created != [False, True] or len({answer["id"] for _, answer in answers}) != 1
    with office.ledger.read() as session:
        bodies = session.scalars(select(CaseRow.body).where(CaseRow.body.contains("同键"))).all()
    held = wrong == 0 and len(bodies) == len(set(bodies)) == times
    return Finding("同一个 Idempotency-Key 同时发给两台", held, f"{times} 次,{len(bodies)} 件,{wrong} 次不对")


def same_version(office: Office, times: int = 10) -> Finding:
    """Two who saw the same version decide at both hosts: one is first, the other is told."""
    seen: list[tuple[int, ...]] = []
    for n in range(times):
        item = {**TEXT, "body": f"变压器老旧,春节停电,同版{n}。"}
        _, case = ask(office.hosts[0].address, office, "POST", "/api/cases", item)
        labels = [p["ranked"][0]["label"] for p in case["predictions"] if p["target"] == "section"]
        decided = [{"target": "section", "label": labels[0]}]
        sent = {"why": "核对", "version": case["version"], "decisions": decided}
        bodies = [{**sent, "who": f"{host.name}的人"} for host in office.hosts]
        answers = at_once(office, f"/api/cases/{case['id']}/decisions", bodies)
        seen.append(tuple(sorted(status // 100 * 100 if status < 400 else status for status, _ in answers)))
    return Finding(
        "两台同时改同一版", set(seen) == {(200, 409)}, f"{times} 次,一成一败(409){seen.count((200, 409))} 次"
    )


def sign_in_across(office: Office, door: Address, public: str) -> Finding:
    """Signed in at one host, somebody reads and writes at the other; a form of nobody's is refused."""
    visitor = Visitor(public)
    first, second = (host.address for host in office.hosts)
    entered, _ = visitor.post(door, "/sign-in", login=LOGIN, password=PASSWORD)
    reads = [visitor.get(address, "/me")[0] for address in (first, second)]
    csrf = visitor.csrf(first, "/me")
    written, _ = visitor.post(second, "/ledger/views", csrf, query="key=1", name="重点")
    forged, _ = visitor.post(second, "/ledger/views", "0" * 64, query="key=1", name="伪造")
    ended, _ = visitor.post(first, "/sign-out", csrf)
    after, _ = visitor.get(second, "/me")
    statuses = (entered, *reads, written, forged, ended, after)
    held = statuses == (303, 200, 200, 303, 403, 303, 303)
    return Finding("一台登录,另一台查看、提交;一台退出,另一台也退出", held, f"状态 {statuses}")


def throttled_across(office: Office, public: str) -> Finding:
    """Wrong passwords are counted over all hosts: after five no password is looked at on any."""
    visitor = Visitor(public)
    first, second = (host.address for host in office.hosts)
    wrong = [
        visitor.post(a, "/sign-in", login=LOGIN, password=WRONG)[0] for a in (first, second) * 2 + (first,)
    ]
    right = [visitor.post(a, "/sign-in", login=LOGIN, password=PASSWORD)[0] for a in (first, second)]
    held = len(set(wrong)) == 1 and right == [429, 429]
    with office.ledger.write() as session:
        for row in session.scalars(select(AttemptRow)):
            session.delete(row)
    return Finding("登录失败次数两台合计", held, f"两台共错 5 次 {wrong[0]},再用对的密码 {right}")


def real_address(office: Office, door: Address, public: str, own: str) -> Finding:
    """Who failed to sign in through nginx is known by the own address, not by nginx's."""
    Visitor(public).post(door, "/sign-in", login="nobody", password=WRONG)
    with office.ledger.read() as session:
        seen = session.scalars(select(AttemptRow.address).where(AttemptRow.login == "nobody")).all()
    return Finding("经 nginx 登录,记下的是来访者的地址", seen == [own], f"{', '.join(seen)}")


def trained_on_one(office: Office, public: str) -> list[Finding]:
    """A training begun on one host is known on the other; its model serves there once it was copied."""
    one, other = office.hosts
    visitor = signed_in(office, public)
    csrf = visitor.csrf(one.address, "/models")
    begun, _ = visitor.post(one.address, "/models/trainings", csrf)
    _, known = ask(other.address, office, "GET", "/api/trainings")
    again, _ = visitor.post(other.address, "/models/trainings", csrf)
    state = known[0]["state"] if known else ""
    held = (begun, again) == (303, 409) and state in ("waiting", "running")
    found = [Finding("一台开始的训练,另一台知道,不另开一个", held, f"另一台看到 {state},再开 {again}")]

    def over() -> bool:
        return ask(other.address, office, "GET", "/api/trainings")[1][0]["state"] not in (
            "waiting",
            "running",
        )

    seconds_until(over, 150)
    _, (training,) = ask(other.address, office, "GET", "/api/trainings")
    version = max(manifest.name for manifest in (one.settings.models_dir / "section").glob("2*"))
    if serving(one, office) != version:  # the comparison kept it back
        visitor.post(one.address, f"/models/section/versions/{version}/promote", csrf, why="试用")
    told = seconds_until(lambda: version in str(problems(other, office)), FOLLOW_SECONDS)
    found.append(
        Finding(
            "另一台没有这个版本时说明缺什么",
            training["state"] == "done" and told < FOLLOW_SECONDS,
            f"训练 {training['state']},{told:.1f} 秒后写明缺 {version}",
        )
    )
    shutil.copy(one.settings.signing_key, other.settings.signing_key)  # one office, one key
    for target in one.settings.models_dir.iterdir():
        for folder in target.glob("2*") if target.is_dir() else ():
            shutil.copytree(folder, other.settings.models_dir / target.name / folder.name)
    took = seconds_until(lambda: serving(other, office) == version, FOLLOW_SECONDS)
    clear = seconds_until(lambda: not problems(other, office), FOLLOW_SECONDS)
    held = max(took, clear) < FOLLOW_SECONDS
    found.append(Finding("模型文件夹复制过去以后启用", held, f"{took:.1f} 秒,没有重启"))
    visitor.post(one.address, "/models/section/rollback", csrf)
    back = seconds_until(lambda: serving(other, office) != version, FOLLOW_SECONDS)
    visitor.post(one.address, f"/models/section/versions/{version}/promote", csrf, why="试用")
    took = seconds_until(lambda: serving(other, office) == version, FOLLOW_SECONDS)
    told_ = f"退回 {back:.1f} 秒,再启用 {took:.1f} 秒"
    found.append(Finding("一台退回、启用,另一台跟上", max(back, took) < FOLLOW_SECONDS, told_))
    return found


def office_changed(office: Office, public: str) -> Finding:
    """The office's file changed on a page of one host is the same on the other, and in force there."""
    one, other = office.hosts
    visitor = signed_in(office, public)
    csrf = visitor.csrf(one.address, "/me")
    sent, _ = visitor.post(
        one.address, "/settings/results", csrf, seen=digest(one), code="Z", name="留作参考"
    )
    took = seconds_until(lambda: digest(one) == digest(other), FOLLOW_SECONDS)
    shown = seconds_until(
        lambda: "留作参考" in visitor.get(other.address, "/settings/results")[1], FOLLOW_SECONDS
    )
    held = sent == 303 and "留作参考".encode() in other.settings.taxonomy_path.read_bytes()
    return Finding(
        "一台在网页上改分类文件,另一台跟上",
        held and max(took, shown) < FOLLOW_SECONDS,
        f"{took:.1f} 秒后文件相同",
    )


def gapless(office: Office) -> Finding:
    """The numbers of events and cases have no gaps."""
    with office.ledger.read() as session:
        events = session.scalars(select(EventRow.id).order_by(EventRow.id)).all()
    held = list(events) == list(range(1, len(events) + 1))
    return Finding("经过的编号连续", held, f"1 至 {len(events)}")


# -- what the checks ask


def signed_in(office: Office, public: str) -> Visitor:
    visitor = Visitor(public)
    visitor.post(office.hosts[0].address, "/sign-in", login=LOGIN, password=PASSWORD)
    return visitor


def serving(host: Host, office: Office) -> str:
    """The version by which a host recommends a section just now."""
    _, models = ask(host.address, office, "GET", "/api/models")
    (found,) = [str(model["serving"]) for model in models if model["target"] == "section"]
    return found


def problems(host: Host, office: Office) -> dict[str, str]:
    """What a host says of itself."""
    _, told = ask(host.address, office, "GET", "/readyz")
    said: dict[str, str] = told["problems"]
    return said


def digest(host: Host) -> str:
    """SHA-256 of a host's file of the office."""
    return hashlib.sha256(host.settings.taxonomy_path.read_bytes()).hexdigest()
