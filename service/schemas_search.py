"""What programs may ask the list of cases for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from triage.ledger.search import CaseFilter, in_office
from triage.taxonomy import Taxonomy

Said = Annotated[str, Field(max_length=100)]
Name = Annotated[str, Field(max_length=200)]
YesNo = Literal["", "yes", "no"]


class CaseQuery(BaseModel):
    """查询条件,同时满足;空为不限。"""

    state: Name = Field("", description="in_review、assigned、closed 等,可用逗号写几个")
    route: Literal["", "auto", "review"] = Field("", description="自动分办或转人工")
    section: Name = Field("", description="已认定的承办科室")
    topic: Name = Field("", description="已认定的主题")
    handling: Name = Field("", description="已认定的办理类型")
    text: Said = Field("", description="标题、正文、编号、领衔代表中的文字")
    words: Said = Field("", description="标题或正文中的文字,可用空格隔开几个,须都有")
    number: Said = Field("", description="编号中的文字,如 081")
    deputy: Said = Field("", description="领衔或附议代表姓名中的文字")
    leader: Name = Field("", description="分管领导:件上写明的,未写明的按承办科室")
    handler: Name = Field("", description="经办人")
    role: Literal["", "主办", "会办", "分办", "独办", "参阅"] = Field("", description="本单位的承办角色")
    result_class: Name = Field("", description="办理结果类别,如 A")
    session: Name = Field("", description="届次")
    flag: Literal["", "not_ours", "several_matters", "too_short"] = Field("", description="有这种核对提示的")
    key_only: bool = Field(False, description="只要重点件")
    late_only: bool = Field(False, description="只要逾期未答复的")
    year: int | None = Field(None, ge=1990, le=2100, description="收件年份")
    received_from: date | None = Field(None, description="收件日期,从这天起")
    received_to: date | None = Field(None, description="收件日期,到这天止")
    due_from: date | None = Field(None, description="办理期限,从这天起")
    due_to: date | None = Field(None, description="办理期限,到这天止")
    closed_from: date | None = Field(None, description="办结日期,从这天起")
    closed_to: date | None = Field(None, description="办结日期,到这天止")
    kind: Name = Field("", description="案别:建议、提案、议案")
    month_received: int | None = Field(None, ge=1, le=12, description="收件月份,1 到 12")
    merged: bool = Field(False, description="只要已并案的")
    on_time: YesNo = Field("", description="yes 按时答复的,no 超期答复或逾期未答复的")
    contacted: YesNo = Field("", description="由本单位答复的件,yes 联系过代表,no 没有")
    met: YesNo = Field("", description="由本单位答复的件,yes 当面沟通过,no 没有")
    satisfied: YesNo = Field("", description="yes 有代表满意或基本满意,no 有代表不满意,以各人最近一次为准")
    how: Literal["", "auto", "confirmed", "overridden"] = Field(
        "", description="有推荐的件现在的认定:auto 自动认定,confirmed 人工确认,overridden 人工改判"
    )
    unsure_first: bool = Field(False, description="把握小的在前;否则新登记的在前")
    limit: int = Field(50, ge=1, le=500, description="最多几件")
    offset: int = Field(0, ge=0, le=1_000_000_000, description="跳过几件")

    def wanted(self, taxonomy: Taxonomy, within: str | None = None) -> CaseFilter:
        """The same for the ledger; ``within``: only what belongs to this section.

        Raises:
            InputError: the office has no such section, topic or handling type.
        """
        asked = {name: getattr(self, name) for name in FILTERS}
        return in_office(CaseFilter(**asked, within=within), taxonomy)


FILTERS = tuple(name for name in CaseQuery.model_fields if name not in ("unsure_first", "limit", "offset"))
