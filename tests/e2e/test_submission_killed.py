# SPDX-License-Identifier: Apache-2.0
"""
postdrop, pickup and cleanup die by kill -9 while 200 sendmail commands run: where sendmail said 0, the message is delivered;
where it did not, it may have come or not.
"""

import collections
import re
import threading

from support.waiting import wait_until

COMMANDS = 200
AT_ONCE = 8


class Submissions:
    """Threads that run sendmail with a number each, and keep what it ended with."""

    def __init__(self, mail, account):
        self.mail, self.account = mail, account
        self.lock = threading.Lock()
        self.numbers = iter(range(COMMANDS))
        self.status = {}
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(AT_ONCE)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            done = self.mail.sendmail(f"{self.account}@localhost", input=f"Subject: sub-{number}.\n\n" + "x\n" * 20000, check=False)
            with self.lock:
                self.status[number] = done.returncode

    def is_running(self):
        return any(thread.is_alive() for thread in self.threads)


def test_what_sendmail_took_is_delivered(make_merpati, account):
    mail = make_merpati(main={"service_throttle_time": "1s", "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
                              "queue_run_delay": "1s"})
    # Where the one that was woken died, the next look must not be a minute away.
    mail.master, count = re.subn(r"(?m)^(pickup\s.*\s)60(\s)", r"\g<1>1\2", mail.master)
    assert count == 1
    mail.write_config()
    mail.start()
    submissions = Submissions(mail, account)
    killed = collections.Counter()
    # Each look at the processes is a turn: whoever of them is there at the time dies.
    while submissions.is_running():
        done = len(submissions.status)
        for name in ("postdrop", "pickup", "postdrop", "cleanup", "postdrop"):
            killed[name] += mail.kill(name)
        wait_until(lambda: len(submissions.status) >= done + 10 or not submissions.is_running(), "ten commands")
    said = collections.Counter(submissions.status.values())
    taken = {f"sub-{number}." for number, status in submissions.status.items() if status == 0}
    assert len(submissions.status) == COMMANDS and killed["pickup"] and killed["cleanup"], (said, killed)

    def found():
        return re.findall(r"(?m)^Subject: (sub-\d+\.)", "".join(mail.mailbox(account)))

    wait_until(lambda: taken <= set(found()), lambda: f"{taken - set(found())} of {len(taken)}; {said}, {killed}; log:\n{mail.tail()}", 60)
    mail.wait_empty(60)
    leftovers = [path.name for path in (mail.queue / "maildrop").iterdir() if path.stat().st_mode & 0o100]
    assert not leftovers, f"complete, and nobody took it: {leftovers}"
    print(f"{said}, {killed}, {len(found())} delivered")
