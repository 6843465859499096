# SPDX-License-Identifier: Apache-2.0
"""Large :include: files, and those that others may write."""

import os
import re

import pytest

ACCOUNT = "merpati-test"
MEMBERS = 10_000


def test_an_include_file_of_ten_thousand_members_reaches_each(merpati, sink):
    server = sink()
    mail = merpati(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native", "smtp_destination_recipient_limit": "500"})
    names = mail.write("members", "".join(f"user{i}@list.test\n" for i in range(MEMBERS)))
    mail.set(alias_maps=mail.aliases(f"list: :include:{names}\nowner-list: {ACCOUNT}\n"))
    mail.reload()
    mail.sendmail("-f", "s@example.com", "list", input="Subject: x\n\nhello\n")
    mail.wait_log(rf"from=<owner-list@example\.test>, size=\d+, nrcpt={MEMBERS} \(queue active\)")
    mail.wait_empty()
    reached = [recipient for message in server.messages for recipient in message.recipients]
    assert len(reached) == len(set(reached)) == MEMBERS
    assert {message.sender for message in server.messages} == {"owner-list@example.test"}


@pytest.mark.skipif(os.geteuid() != 0, reason="stock Postfix needs root")
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_an_include_file_in_a_folder_that_all_may_write_is_taken_as_by_stock(make_stock, make_merpati, mode):
    lines = []
    for make in (make_stock, make_merpati):
        mail = make()
        folder = mail.path("open")
        folder.mkdir()
        folder.chmod(0o777)
        names = folder / "members"
        names.write_text(f"{ACCOUNT}\n/tmp/never\n|/bin/false\n")
        os.chown(names, 65534, 65534)
        names.chmod(mode)
        mail.set(alias_maps=mail.aliases(f"list: :include:{names}\n"))
        mail.start()
        mail.sendmail("-f", "s@example.com", "list", input="Subject: x\n\nhello\n")
        mail.wait_empty()
        lines.append(sorted(re.sub(r"as [0-9A-F]+", "as ID", line.split("delays=")[1].split(", ", 1)[1]) for line in mail.log_lines(r"relay=local") if "to=<list" in line or ACCOUNT in line))
        mail.stop()
    assert lines[1] == lines[0]
