"""What is said of a file, in Chinese: a catalogue from English sentences, with {} for what they are about."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from territory.errors import Problem

_SENTENCES = {
    # cells
    "It has no longitude and no latitude.": "没有经度和纬度。",
    "It has no longitude.": "没有经度。",
    "It has no latitude.": "没有纬度。",
    "It lacks one of longitude and latitude.": "缺少经度或纬度。",
    "'{}' is not a number.": "“{}”不是数字。",
    "Longitude and latitude are both 0, which stands for no place.": "经度和纬度都是 0，不代表任何位置。",
    "Longitude {} and latitude {} are swapped.": "经度 {} 与纬度 {} 颠倒了。",
    "Latitude {} is not from -90 to 90.": "纬度 {} 不在 -90 到 90 之间。",
    "Longitude {} is not from -180 to 180.": "经度 {} 不在 -180 到 180 之间。",
    "It lies outside of what {} can express.": "超出了 {} 的范围。",
    "'{}' is neither yes nor no.": "“{}”既不是“是”也不是“否”。",
    "'{}' is not a day.": "“{}”不是日期。",
    "'{}' is not a time of day.": "“{}”不是时刻。",
    "It has no {}.": "没有 {}。",
    "'{}' is also the id of {}.": "“{}”也是{}的编号。",
    "Give degrees, as in 45.7640.": "请填写度数，如 45.7640。",
    "Give both, or look its address up.": "请填写两者，或查询其地址。",
    "Give a point or a polygon.": "请提供点或面。",
    "Exchange the two cells.": "请对调这两个单元格。",
    "Check the numbers, and the crs they are in.": "请检查数值及其坐标系。",
    "Write yes or no.": "请填写“是”或“否”。",
    "Write the year first, as in 2027-03-01.": "请先写年份，如 2027-03-01。",
    "Write hours and minutes, as in 08:30.": "请填写时和分，如 08:30。",
    "Give {} in figures, as in 1234.5, or leave the cell empty.": "请填写数字（{}），如 1234.5，或留空。",
    "Give {}, or leave the cell empty.": "请填写{}，或留空。",
    "Give each row an id of its own.": "请为每行填写各自的编号。",
    "Give each its own id, or delete the one that is wrong.": "请分别编号，或删除错误的一行。",
    # headers and the file as a whole
    "Longitude and latitude are swapped in the whole file.": "整个文件的经度和纬度颠倒了。",
    "Exchange the two headers, or say lon={} and lat={}.": "请对调两个表头，或指定 lon={}、lat={}。",
    "The coordinates are not degrees; they look like metres of a map projection.": "坐标不是度数，像是投影坐标（米）。",
    "Say which with crs=EPSG:n, as EPSG:3857 for web maps.": "请选择坐标系，如 EPSG:3857。",
    "'{}' and '{}' both mean {}.": "“{}”和“{}”都表示 {}。",
    "Rename one of them, or say which: {}.": "请重命名其中一个，或指定：{}。",
    "Column {} is missing. The headers are {}.": "缺少 {} 列。现有表头为 {}。",
    "{}Name a column {}, or map one: {}.": "请为一列命名为 {1}，或指定对应列：{2}。",
    "It has a header, but nothing below it.": "只有表头，没有数据。",
    "Give a row a customer or rep.": "请每行填写一个客户或代表。",
    "The file is empty.": "文件是空的。",
    "The workbook is empty.": "工作簿是空的。",
    "Give a header row, and rows below it.": "请提供表头和数据行。",
    "A double quote is opened and never closed.": "双引号没有闭合。",
    'Close it, or write it twice: "".': '请闭合它，或写成两个：""。',
    "It has {} cells, the header {}; '{}' has no header.": "该行有 {} 个单元格，表头有 {} 个；“{}”没有表头。",
    "Give every column a header; put a text that holds the delimiter in double quotes.": (
        "请为每列提供表头；含分隔符的文字请加双引号。"
    ),
    "It has {} MB; at most {} MB are read.": "文件有 {} MB，最多读取 {} MB。",
    "Split it, or drop columns that are not needed.": "请拆分文件，或删除不需要的列。",
    "It is an old .xls workbook, or one with a password.": "这是旧的 .xls 工作簿，或设有密码。",
    "Save it as .xlsx without a password, or as 'CSV UTF-8'.": "请另存为无密码的 .xlsx，或“CSV UTF-8”。",
    "Open it in a spreadsheet program and save it again as .xlsx, without a password.": (
        "请用表格软件打开，并另存为无密码的 .xlsx。"
    ),
    "It is not a readable workbook ({}).": "无法读取该工作簿（{}）。",
    "It is not UTF-8.": "不是 UTF-8 编码。",
    "Save it as UTF-8.": "请另存为 UTF-8。",
    "It is not TOML ({}).": "不是 TOML 格式（{}）。",
    # reps and territories
    "No rep has territory '{}'.": "没有代表负责区域“{}”。",
    "None of the territories ({}) has a rep; the reps have {}.": "这些区域（{}）都没有代表；代表负责的是 {}。",
    "Write them the same way in both files.": "请在两个文件中使用相同的写法。",
    "It is a rep: write that rep's territory, '{}'.": "这是代表编号：请填写该代表的区域“{}”。",
    "Is it '{}'? If it is vacant, give it a name less like that one.": "是否应为“{}”？若确为空缺，请换一个名称。",
    # travel tables
    "Give a row a way: from, to, minutes.": "请每行填写一段路程：from、to、minutes。",
    "Give a customer_id or a rep_id.": "请填写客户编号或代表编号。",
    "'{}' is neither a customer_id nor a rep_id.": "“{}”既不是客户编号也不是代表编号。",
    "Perhaps {}?": "是否应为 {}？",
    "Write it as in the customers' or the reps' file.": "请按客户文件或代表文件中的写法填写。",
    "'{}' is a customer's id and a rep's, at two places.": "“{}”既是客户编号又是代表编号，且位置不同。",
    "Give the rep another id, in the reps' file and here.": "请在代表文件和此处为该代表另编一个编号。",
    "Give {} in figures, as in 1234.5.": "请填写数字（{}），如 1234.5。",
    "Give them, or delete the row: what the table lacks is reckoned from straight lines.": (
        "请填写分钟数，或删除该行：表中没有的路程按直线估算。"
    ),
    "It is {} {} here and {} in row {}.": "此处为 {0} {1}，第 {3} 行为 {2}。",
    "Delete the row that is wrong.": "请删除错误的一行。",
    "No row leads from one known place to another.": "没有一行连接两个已知位置。",
    "Give customers and reps coordinates.": "请为客户和代表填写坐标。",
    "There are {} more faults.": "另有 {} 处错误。",
    "Mend these first, then check again.": "请先修改以上错误，再重新检查。",
    "{} is not {}.": "{} 不是{}。",
    "": "",
}
_WORDS = {
    "0 or more": "不小于 0 的数",
    "from 0 to 1": "0 到 1 之间的数",
    "more than 0": "大于 0 的数",
    "money": "金额",
    "money a year": "每年金额",
    "minutes": "分钟",
    "minutes a day": "每天分钟数",
    "visits a year": "每年次数",
    "hours a week": "每周小时数",
    "nights a week": "每周夜数",
    "ratio": "比例",
    "kilometres": "公里",
    "metres": "米",
}
"""What the holes of sentences hold that is neither a name nor a figure."""
_PLACE = re.compile(r"(?P<file>.*?)(?:(?:^|, )(?:row|feature) (?P<row>\d+))?(?:, columns? '(?P<columns>.*)')?")


def in_chinese(problem: Problem) -> Problem:
    """The problem with its Chinese sentence, where the catalogue has both of its English ones."""
    what, fix = _translated(problem.what), _translated(problem.fix)
    if what is None or fix is None:
        return problem
    return replace(problem, zh=f"{_place(problem.where)}：{what}{fix}")


def _translated(text: str) -> str | None:
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return chinese.format(*(_WORDS.get(part) or _place(part) for part in found.groups()))
    return None


def _place(where: str) -> str:
    """``customers.csv, row 5, column 'lat'``, as Chinese has it."""
    found = _PLACE.fullmatch(where)
    if found is None:
        return where
    row, columns = found["row"], found["columns"] and found["columns"].replace("', '", "”“")
    parts = [found["file"], row and f"第 {row} 行", columns and f"“{columns}”列"]
    return "，".join(part for part in parts if part)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile("(.*?)".join(re.escape(part) for part in english.split("{}")), re.DOTALL), chinese)
        for english, chinese in _SENTENCES.items()
    )
