# SPDX-License-Identifier: Apache-2.0
"""A daemon that crashes fails the test that it served, whatever the test looked at."""

import signal

import pytest
from support.instance import CRASH, IS_SANITIZED


@pytest.mark.sanitized
@pytest.mark.parametrize("daemon", ["qmgr", "smtpd"])
def test_a_crash_is_complained_about(make_merpati, daemon):
    mail = make_merpati().start()
    with mail.smtp() as client:
        client.hello()
        assert mail.kill(daemon, signal.SIGSEGV) > 0
        mail.wait_log(CRASH)
    complaints = mail.complaints()
    assert any("killed by signal" in complaint for complaint in complaints)
    if IS_SANITIZED:
        assert any("AddressSanitizer" in complaint for complaint in complaints)
    with pytest.raises(AssertionError, match="daemons were broken"):
        mail.finish()
