# SPDX-License-Identifier: Apache-2.0
"""
What a program in the network services' place could reach: run as the user and group given, in the root given.

    attempts = [["read", "/journal/segment-001"], ["connect", "/private/local"]]
    intrude("merpati-net", queue, attempts) -> ["EACCES", "EACCES"], "OK" where it went well
"""

import ctypes
import errno
import json
import os
import pwd
import socket
import subprocess
import sys


def intrude(user, root, attempts):
    account = pwd.getpwnam(user)
    words = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]
    # setpriv is not in the jail, so that it comes first and may still chroot; what it started gives that up.
    words[1:1] = ["--inh-caps=+sys_chroot", "--ambient-caps=+sys_chroot"]
    done = subprocess.run(
        [*words, sys.executable, "-I", __file__, str(root)],
        input=json.dumps(attempts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _attempt(verb, path):
    if verb == "connect" or verb == "send":
        kind = socket.SOCK_STREAM if verb == "connect" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_UNIX, kind) as peer:
            peer.connect(path)
    elif verb == "list":
        os.listdir(path)
    else:
        flags = {"read": os.O_RDONLY, "write": os.O_WRONLY, "create": os.O_WRONLY | os.O_CREAT | os.O_EXCL}[verb]
        os.close(os.open(path, flags))


def _drop_capabilities(libc):
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def main():
    attempts = json.load(sys.stdin)
    libc = ctypes.CDLL(None, use_errno=True)
    os.chroot(sys.argv[1])
    os.chdir("/")
    _drop_capabilities(libc)
    results = []
    for verb, path in attempts:
        try:
            _attempt(verb, path)
            results.append("OK")
        except OSError as error:
            results.append(errno.errorcode[error.errno])
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
