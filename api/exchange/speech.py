"""Tables as people read them: the heads of columns, titles, and the words that stand in cells, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from api.language import Language

_HEADS = {
    # who and where
    "customer_id": "客户编号",
    "name": "名称",
    "rep_id": "代表编号",
    "territory": "区域",
    "region": "大区",
    "regions": "大区",
    "lon": "经度",
    "lat": "纬度",
    "phone": "电话",
    "segment": "细分",
    "tier": "等级",
    "group": "组",
    "skills": "技能",
    "locked": "锁定",
    "relation": "客情",
    "open_deals": "在谈商机",
    "last_visit": "上次拜访",
    "home": "到家",
    # money and work
    "potential": "潜力",
    "revenue": "销售额",
    "visits_per_year": "年拜访次数",
    "minutes_per_visit": "每次拜访分钟数",
    "workload_minutes": "工作量（分钟/年）",
    "workload_hours": "工作量（小时/年）",
    "workload_peak_hours": "最忙代表（小时/年）",
    "travel": "行车",
    "travel_hours": "行车（小时/年）",
    "travel_factor": "行车系数",
    "travels": "可计的行车",
    "capacity_hours_per_week": "每周工时",
    "capacity_minutes": "工时（分钟/年）",
    "capacity_use": "产能占用",
    "capacity_use_max": "最大产能占用",
    "capacity_use_mean": "平均产能占用",
    "share": "工作比例",
    "customers": "客户数",
    "territories": "区域数",
    "index_potential": "潜力指数",
    "index_workload": "工作量指数",
    "deviation_potential": "潜力偏差",
    "deviation_workload": "工作量偏差",
    "max_deviation_potential": "潜力最大偏差",
    "max_deviation_workload": "工作量最大偏差",
    "pieces": "块数",
    "compactness": "紧凑度",
    "contiguous": "连成一片",
    "mean_km": "到中心平均公里",
    # when
    "open_from": "营业开始",
    "open_until": "营业结束",
    "weekdays": "星期",
    "preferred_weekdays": "首选星期",
    "work_from": "上班",
    "work_until": "下班",
    "max_drive_minutes": "最长行车（分钟）",
    "nights_away": "可在外过夜",
    "day": "日期",
    "start": "开始",
    "finish": "结束",
    "effective_from": "生效日期",
    "since": "自",
    "created_at": "创建时间",
    "made_at": "完成时间",
    "published_at": "发布时间",
    "started_at": "开始时间",
    "finished_at": "结束时间",
    "expires_at": "有效期至",
    "at": "时间",
    # alerts and moves
    "alert": "预警",
    "measure": "指标",
    "value": "数值",
    "limit": "界限",
    "message": "说明",
    "from": "原区域",
    "to": "新区域",
    "from_rep_id": "移交人编号",
    "from_rep": "移交人",
    "to_rep_id": "接手人编号",
    "to_rep": "接手人",
    "reason": "原因",
    "price": "代价（%）",
    "runner_up": "次优区域",
    "why": "原因类别",
    "over": "超出",
    "over_measure": "超出指标",
    "under": "不足",
    "under_measure": "不足指标",
    "nearer_km": "近（公里）",
    "staying_balance": "不动：平衡",
    "staying_distance": "不动：距离",
    "staying_minutes": "不动：分钟",
    "decision": "决定",
    "today": "当前",
    "moved": "变动客户",
    "moved_customers": "变动客户",
    "moved_potential": "变动潜力",
    "moved_relation": "变动客情",
    # portfolios, plans and what was done with them
    "portfolio_id": "客户组合编号",
    "proposal_id": "方案编号",
    "alignment_id": "划分编号",
    "scenario_id": "情景编号",
    "comparison_id": "对比编号",
    "call_plan_id": "拜访计划编号",
    "visit_id": "拜访编号",
    "challenge_id": "异议编号",
    "calendar_id": "日历编号",
    "backup_id": "备份编号",
    "bytes": "字节",
    "file": "文件",
    "number": "版本",
    "base_number": "基于版本",
    "hash": "校验值",
    "revision": "修订",
    "status": "状态",
    "stage": "阶段",
    "progress": "进度",
    "job": "任务",
    "problem": "问题",
    "facts": "概况",
    "parameters": "参数",
    "summary": "摘要",
    "comment": "备注",
    "note": "说明",
    "answer": "答复",
    "can_undo": "可撤销",
    "tolerance": "容差",
    "moves": "变动",
    "seed": "随机种子",
    "seconds": "秒",
    "effort": "计算强度",
    "max_moved": "最多变动",
    "handover": "移交代价",
    "keep": "保持不动",
    "focus": "侧重",
    "is_within_tolerance": "在容差内",
    "unplaced": "没有位置",
    "bounds": "范围",
    "rules": "规则",
    "tiers": "等级",
    "segments": "细分",
    "notes": "说明",
    "weeks": "周数",
    "dropped": "未排入",
    "stretched": "间隔过长",
    "is_estimate": "估算行车",
    "count": "数量",
    "can_redo": "可重做",
    "created_by": "创建人",
    "made_by": "操作人",
    "published_by": "发布人",
    "scenario": "情景",
    "changes": "变化",
    "rows": "各行",
    "label": "名称",
    "deviation": "最大偏差",
    "objective": "目标值",
    "lower_bound": "下界",
    "gap": "与下界差距",
    "reasons": "原因",
    "locks": "锁定",
    "rule": "规则",
    "row": "行",
    "what": "对象",
    "id": "编号",
    "change": "变化",
    "column": "列",
    "before": "之前",
    "after": "之后",
    "field": "字段",
    # days, visits and calls
    "stop": "站序",
    "arrive": "到达",
    "leave": "离开",
    "wait_minutes": "等待（分钟）",
    "minutes": "分钟",
    "drive_minutes": "行车（分钟）",
    "drive_km": "行车（公里）",
    "must": "必须",
    "appointment": "预约",
    "outcome": "结果",
    "rep_ids": "代表",
    "visits": "拜访数",
    "begins_at": "起点",
    "ends_at": "终点",
    "depart": "出发",
    "back": "返回",
    "pause_from": "休息开始",
    "pause_until": "休息结束",
    "visit_minutes": "拜访（分钟）",
    "worked_minutes": "工作（分钟）",
    "is_proven": "已证明最优",
    "urgency": "紧迫度",
    "code": "类别",
    "gap_days": "间隔（天）",
    "interval_days": "应隔（天）",
    "detour_minutes": "绕行（分钟）",
    "prize": "价值",
    "after_stop": "在第几站后",
    "geo": "手机地图",
    "google": "Google 地图",
    "apple": "Apple 地图",
    "amap": "高德地图",
    # people, jobs, tokens, webhooks
    "user_id": "用户编号",
    "login": "用户名",
    "role": "角色",
    "must_change_password": "须改密码",
    "is_active": "启用",
    "has_company_rights": "公司授权",
    "token_id": "令牌编号",
    "audit_id": "审计编号",
    "action": "操作",
    "object_id": "对象编号",
    "details": "详情",
    "request_id": "请求编号",
    "job_id": "任务编号",
    "kind": "类型",
    "attempt": "第几次",
    "resource": "结果地址",
    "webhook_id": "回调编号",
    "url": "地址",
    "events": "事件",
    "waiting": "待发",
    "last_answer": "最近应答",
}
IN_CHINESE = "_zh"
"""The end of a column's name that says in Chinese what the column without it says in English."""
_DECIMALS = {"lon": 6, "lat": 6}
_PREFIXES = {"today_": "当前{}", "change_": "{}的变化"}

_TITLES = {
    "Portfolios": "客户组合",
    "Customers": "客户",
    "Reps": "代表",
    "Territories": "区域",
    "Alerts": "预警",
    "Locks": "锁定客户",
    "Rules": "规则",
    "Proposals": "方案",
    "Moves": "变动",
    "Steps": "手工步骤",
    "Territories of the proposal": "方案中的区域",
    "Alignment of the proposal": "方案中的划分",
    "Alignments": "历次划分",
    "Alignment": "划分",
    "Difference": "差异",
    "Handovers": "移交清单",
    "Jobs": "任务",
    "What the new files change": "新文件带来的变化",
    "What other rules change": "其他规则带来的变化",
    "Scenarios": "情景",
    "Comparisons": "对比",
    "Side by side": "方案对比",
    "Challenges": "异议",
    "Calls": "拜访安排",
    "Call plans": "拜访计划",
    "Calendars": "日历",
    "Visits": "拜访",
    "Days": "日程",
    "Dropped": "未排入的拜访",
    "Stretched": "间隔过长的客户",
    "Nearby": "顺路客户",
    "Best days": "合适的日子",
    "Route": "路线",
    "Users": "用户",
    "Tokens": "令牌",
    "Audit": "审计",
    "Webhooks": "回调",
    "Backups": "备份",
}
_FRAME = {"{count} rows.": "共 {count} 行。", "next page": "下一页"}
_YES, _NO = {"en": "yes", "zh": "是"}, {"en": "no", "zh": "否"}
_MEASURES = {"potential": "潜力", "workload": "工作量", "capacity": "产能", "pieces": "块数", "vacant": "空缺"}
_TRAVELS = {"line": "直线", "roads": "道路", "none": "不计"}
_CELLS = {
    "status": {
        "reading": "读取中",
        "planning": "规划中",
        "making": "进行中",
        "ready": "就绪",
        "failed": "失败",
        "cancelled": "已取消",
        "submitted": "已提交",
        "approved": "已批准",
        "rejected": "已驳回",
        "published": "已发布",
        "open": "待处理",
        "accepted": "已接受",
        "refused": "已拒绝",
        "queued": "排队",
        "running": "进行中",
        "done": "完成",
        "started": "进行中",
        "finished": "已结束",
        "on": "开",
        "off": "关",
    },
    "role": {"admin": "管理员", "manager": "经理", "planner": "规划员", "rep": "代表"},
    "decision": {"open": "待定", "accepted": "已接受", "refused": "已拒绝"},
    "outcome": {"met": "见到", "ordered": "已下单", "absent": "不在", "postponed": "改期"},
    "measure": _MEASURES,
    "over_measure": _MEASURES,
    "under_measure": _MEASURES,
    "travel": _TRAVELS,
}


class Speech:
    """How a table is told in a language. In English its columns keep their names, which are those of JSON and CSV."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def head(self, name: str) -> str:
        """The head of a column; one of the user's own is called as it is."""
        if self.language == "en":
            return name
        if "." in name:
            return "：".join(self.head(part) for part in name.split("."))
        for prefix, told in _PREFIXES.items():
            if name.startswith(prefix):
                return told.format(self.head(name.removeprefix(prefix)))
        return _HEADS.get(name, name)

    def title(self, text: str) -> str:
        """What stands above a table; a name that somebody has given stays as it is."""
        return text if self.language == "en" else _TITLES.get(text, text)

    def frame(self, text: str, **values: Any) -> str:
        """A word of the page around the table."""
        return (text if self.language == "en" else _FRAME[text]).format(**values)

    def cell(self, record: dict[str, Any], column: str) -> Any:
        """What stands in a cell: moments as people write them, our own words in the language."""
        value = record[column]
        if column == "value" and "field" in record:
            column = str(record["field"]).rpartition(".")[2]
        if isinstance(value, bool):
            return (_YES if value else _NO)[self.language]
        if isinstance(value, float) and (column == "at" or column.endswith("_at")):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if isinstance(value, float):
            return f"{value:,.{_DECIMALS.get(column, 4)}f}".rstrip("0").rstrip(".")
        if self.language == "en" or not isinstance(value, str):
            return "" if value is None else value
        if column == "field":
            return self.head(value)
        return record.get(f"{column}{IN_CHINESE}") or _CELLS.get(column, {}).get(value, value)
