# SPDX-License-Identifier: Apache-2.0
""":include: files that others may write."""

import os
import re

import pytest

ACCOUNT = "merpati-test"


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
