# SPDX-License-Identifier: Apache-2.0
"""A corpus of messages through stock Postfix and Merpati, with checks of every class on both: the same replies, log lines and bytes."""

import sys
from pathlib import Path

import pytest
from support.instance import Stock

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from comparison.case import read_case  # noqa: E402
from comparison.comparing import observe  # noqa: E402
from comparison.corpus import PYTHONS, by_message, case, differences_by_message, messages  # noqa: E402


# How many messages: those of Python's tests come first.
@pytest.mark.parametrize("profile, count, refused_at_least, actions", [
    ("usual", 320, 50, {"info", "warning", "prepend", "replace", "reject", "strip"}),
    ("strict", 320, 150, {"info", "warning", "prepend", "replace", "reject", "strip"}),
    ("narrow", 160, 15, {"info", "warning", "prepend", "replace", "reject"}),
    ("blind", 160, 15, {"info", "warning", "prepend", "replace", "reject"}),
])
def test_a_corpus_of_messages_becomes_the_same_and_is_told_of_the_same(tmp_path, profile, count, refused_at_least, actions):
    if Stock.why_not():
        pytest.skip(Stock.why_not())
    assert len(list(PYTHONS.glob("msg_*.txt"))) > 40, "the package libpython3.11-testsuite is not there: see scripts/packages"
    found = messages(count)
    path = tmp_path / "corpus.case"
    path.write_text(case(found, profile))
    stock, ours = observe(read_case(path))
    differing = differences_by_message([name for name, _ in found], stock, ours)
    assert not differing, f"{len(differing)} differ:\n" + "\n".join(differing[:5])
    # Each was seen: it came to both sinks, or it was refused.
    seen = by_message(ours)
    assert sorted(seen) == list(range(count))
    taken = [side for side in seen.values() if "sink seven" in side and "sink sink" in side]
    refused = [side for side in seen.values() if any("cleanup: QID: reject: " in line for line in side["log"])]
    assert len(taken) + len(refused) == count and len(taken) >= 40 and len(refused) >= refused_at_least, (len(taken), len(refused))
    told = {line.partition("/cleanup: QID: ")[2].partition(":")[0] for side in seen.values() for line in side["log"]}
    assert told >= actions, told
