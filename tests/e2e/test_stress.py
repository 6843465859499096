# SPDX-License-Identifier: Apache-2.0
"""A service that is full treats new clients as under stress, without a restart."""

import re

from support.smtp_client import SmtpClient
from support.waiting import free_port, wait_until


def refused_at(client):
    """After how many errors the session ends."""
    for number in range(1, 30):
        if client.command("FOO").code != 500:
            return number
    return None


def test_sessions_that_begin_while_all_are_busy_are_under_stress(make_merpati):
    port = free_port()
    mail = make_merpati(main={"service_workers": "2", "smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "${stress?{2}:{4}}"})
    mail.services.append(f"127.0.0.1:{port} inet n - n - 4 smtpd")
    mail.write_config()
    mail.start()
    pids = mail.pids("smtpd")
    calm = [SmtpClient(port) for _ in range(2)]
    assert not mail.log_lines("has reached its process limit")
    # One more than fit: all of them are busy.
    more = [SmtpClient(port, greet=False) for _ in range(3)]
    mail.wait_log(rf'master\[\d+\]: warning: service "127\.0\.0\.1:{port}" \(127\.0\.0\.1:{port}/inet\) has reached its process limit: ')
    assert refused_at(calm[0]) == 5
    wait_until(lambda: more[-1].reply(), "a place for the last")
    # Both processes have heard it by now, or will: what began since is under stress as soon as they have.
    assert refused_at(more[-1]) in (3, 5)

    def is_stressed():
        with SmtpClient(port) as client:
            return refused_at(client) == 3

    for client in more[:-1]:
        client.close()
    wait_until(is_stressed, "a session under stress")
    assert refused_at(calm[1]) == 5
    assert set(pids) <= set(mail.pids("smtpd"))
    assert len(mail.log_lines("has reached its process limit")) == 1
    assert not re.search(r"has room again", mail.log_text())
