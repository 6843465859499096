# SPDX-License-Identifier: Apache-2.0
"""
Dialogues that other mail systems test themselves with, played against stock Postfix and against Merpati: every
expectation that stock meets, Merpati meets. The dialogues are read from the directory MERPATI_VECTORS names, or from
shared/vectors beside the source tree; they are no part of it.
"""

import os
from pathlib import Path

import pytest
from support import chamuyero, smtpscript
from support.instance import SOURCE, Merpati, Stock

VECTORS = Path(os.environ.get("MERPATI_VECTORS", SOURCE.parent / "shared" / "vectors"))
MAIN = {
    "mydestination": "$myhostname, localhost, testserver",
    "local_recipient_maps": "",
    "smtpd_error_sleep_time": "0",
    "smtpd_timeout": "10s",
}
STOCK_MAIN = {"smtpd_forbid_bare_newline": "normalize", "smtpd_forbid_unauth_pipelining": "yes"}


def script_cases():
    for path in sorted((VECTORS / "smtp-dialog-opensmtpd").glob("test.*")):
        script = smtpscript.Script(path.read_text())
        for case in script.cases:
            yield pytest.param(script, case, id=f"{path.name}: {case.name}")


def cmy_files():
    for path in sorted((VECTORS / "smtp-dialog-chasquid").rglob("*.cmy")):
        yield pytest.param(path, id=path.name)


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not() or (None if VECTORS.is_dir() else f"no dialogues in {VECTORS}")
    if reason:
        pytest.skip(reason)
    made = []
    try:
        for instance in (Stock(main={**MAIN, **STOCK_MAIN}), Merpati(main=MAIN)):
            made.append(instance)
            instance.start()
        yield made
    finally:
        for instance in made:
            instance.finish()


def judge(expected, found):
    """Each expectation that stock met."""
    for index, (wanted, is_met) in enumerate(expected):
        if is_met:
            assert index < len(found), f"stock: {wanted}; Merpati was done before"
            assert found[index][1], f"stock: {wanted}; Merpati: {found[index][0]}"


@pytest.mark.parametrize("script,case", script_cases())
def test_smtpscript(pair, script, case):
    if "skip" in case.flags:
        pytest.skip("the dialogue itself says skip")
    expected, found = (smtpscript.Player(script, instance.port).play(case) for instance in pair)
    judge(expected, found)


@pytest.mark.parametrize("path", cmy_files())
def test_chamuyero(pair, path):
    text = path.read_text()
    reason = chamuyero.needs_more_than_smtp(text)
    if reason:
        pytest.skip(reason)
    expected, found = (chamuyero.Player(instance.port).play(text) for instance in pair)
    judge(expected, found)
