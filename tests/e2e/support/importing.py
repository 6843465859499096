# SPDX-License-Identifier: Apache-2.0
"""Both ends of "merpati import": a small Postfix configuration, and an instance that can take one over."""

import shutil

from support.instance import SOURCE


def make_source(directory, main="myhostname = mail.example.test\n"):
    directory.mkdir()
    if main is not None:
        (directory / "main.cf").write_text(main)
    (directory / "master.cf").write_text("smtp      inet  n       -       y       -       -       smtpd\n")
    return directory


def make_target(make_merpati):
    """With a master.cf.proto, from which missing services come."""
    mail = make_merpati()
    mail.meta = mail.path("meta")
    mail.meta.mkdir()
    shutil.copy(SOURCE / "conf/master.cf", mail.meta / "master.cf.proto")
    mail.set(meta_directory=mail.meta)
    return mail
