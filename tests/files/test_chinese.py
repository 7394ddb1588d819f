"""Faults of files in Chinese: the same fault at the same place, with the same figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from territory.errors import Problem
from territory.files import check_files
from territory.files.chinese import in_chinese

PLACED = "id,lon,lat,potential,weekdays,open_from,last_visit,locked"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,x,45,,,,,", "“lon”“lat”列：“x”不是数字。请填写度数，如 45.7640。"),
        ("1,5,95,,,,,", "“lon”“lat”列：经度 5 与纬度 95 颠倒了。请对调这两个单元格。"),
        ("1,5,45,much,,,,", "“potential”列：“much”不是数字。请填写数字（每年金额），如 1234.5，或留空。"),
        ("1,5,45,-3,,,,", "“potential”列：-3 不是不小于 0 的数。请填写不小于 0 的数，或留空。"),
        ("1,5,45,,,soon,,", "“open_from”列：“soon”不是时刻。请填写时和分，如 08:30。"),
        ("1,5,45,,,,soon,", "“last_visit”列：“soon”不是日期。请先写年份，如 2027-03-01。"),
        ("1,5,45,,,,,perhaps", "“locked”列：“perhaps”既不是“是”也不是“否”。请填写“是”或“否”。"),
        (",5,45,,,,,", "“id”列：没有 customer_id。请为每行填写各自的编号。"),
        ("0,5,45,,,,,", "“id”列：“0”也是第 2 行的编号。请分别编号，或删除错误的一行。"),
    ],
)
def test_a_fault_is_told_in_chinese_too(tmp_path: Path, row: str, told: str):
    path = tmp_path / "customers.csv"
    path.write_text("\n".join([PLACED, "0,4,45,,,,,", row]), encoding="utf-8")

    (fault,) = check_files(path).faults

    assert fault.zh == f"customers.csv，第 3 行，{told}"


def test_a_file_that_lacks_a_column_is_told_in_chinese_too(tmp_path: Path):
    path = tmp_path / "customers.csv"
    path.write_text("lon,lat\n4,45\n", encoding="utf-8")

    (fault,) = check_files(path).faults

    assert fault.zh.startswith("customers.csv：缺少 customer_id 列。现有表头为 lon, lat。请为一列命名为 customer_id")


def test_what_the_catalogue_does_not_know_stays_english():
    problem = Problem("customers.csv", "It is made of cheese.", "Give it to a mouse.")

    assert in_chinese(problem) == problem
