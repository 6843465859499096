# SPDX-License-Identifier: Apache-2.0
"""The configurations of tests/comparison, each through stock Postfix and Merpati: nothing differs."""

import sys
from pathlib import Path

import pytest
from support.instance import Stock

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from comparison.case import BadCase, read_case  # noqa: E402
from comparison.comparing import compare, differences  # noqa: E402

CASES = sorted((HERE / "comparison" / "cases").glob("*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_nothing_differs(path):
    if Stock.why_not():
        pytest.skip(Stock.why_not())
    found = compare(read_case(path))
    assert not found, "\n".join(found)


def written(tmp_path, text):
    path = tmp_path / "x.case"
    path.write_text(text)
    return read_case(path)


AGREED = "# x\n== agreed docs/decisions/0033-scheduler.md\nFor a reason.\n-old \\d+\n+new\n"


def test_what_differs_is_shown(tmp_path):
    case = written(tmp_path, "# x\n")
    assert differences(case, {"log": ["a", "b"]}, {"log": ["a", "b"]}) == []
    assert "-b\n+c" in differences(case, {"log": ["a", "b"]}, {"log": ["a", "c"]})[0]
    assert "+x" in differences(case, {}, {"queue": ["x"]})[0]


def test_an_agreed_difference_is_no_difference_as_long_as_it_occurs(tmp_path):
    assert differences(written(tmp_path, AGREED), {"log": ["old 17"]}, {"log": ["new"]}) == []
    assert "-old 18\n-and" in differences(written(tmp_path, AGREED), {"log": ["old 18", "and"]}, {"log": ["new"]})[0]
    gone = differences(written(tmp_path, AGREED), {"log": ["new"]}, {"log": ["new"]})
    assert len(gone) == 2 and all("is no more" in text for text in gone)


@pytest.mark.parametrize("text", [
    "== main.cf\n", "# x\n== what\n", "# x\n== agreed docs/decisions/none.md\nreason\n-x\n", "# x\n== agreed README.md\nreason\n-x\n",
    "# x\n== agreed docs/decisions/0033-scheduler.md\n-x\n", "# x\n== agreed docs/decisions/0033-scheduler.md\nreason\n", "# x\n== smtp/odd\n",
])
def test_a_case_that_is_wrong_is_told(tmp_path, text):
    with pytest.raises(BadCase):
        written(tmp_path, text)
