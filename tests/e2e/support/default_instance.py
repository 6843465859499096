# SPDX-License-Identifier: Apache-2.0
"""An instance as the machine's default one, /etc/merpati, for one command: nothing outside of it sees that."""

import os
import subprocess

SCRIPT = """set -e
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc
rm -rf /etc/merpati
mkdir /etc/merpati
cp -r {config}/* /etc/merpati
{command}
"""


def run_with_default(mail, command):
    """Runs a line of shell where a copy of the instance's configuration is /etc/merpati; only root can."""
    environment = {name: value for name, value in os.environ.items() if name != "MAIL_CONFIG"}
    words = ["unshare", "--mount", "sh", "-c", SCRIPT.format(config=mail.config, command=command)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
