# SPDX-License-Identifier: Apache-2.0
"""Takes a case through both systems at once and says what differs."""

import difflib
import re
import threading

from support.instance import Merpati, Stock

from .case import BadCase
from .side import Side


class _Run(threading.Thread):
    def __init__(self, kind, case):
        super().__init__()
        self.kind, self.case = kind, case
        self.seen, self.error, self.tail = None, None, ""

    def run(self):
        side = None
        try:
            side = Side(self.kind, self.case)
            self.seen = side.run()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            self.error = error
        finally:
            try:
                if side:
                    self.tail = side.instance.tail()
                    side.finish()
            except BaseException as error:  # noqa: BLE001
                self.error = self.error or error


def observe(case):
    """What [stock, Merpati] did."""
    runs = [_Run(kind, case) for kind in (Stock, Merpati)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    for run in runs:
        if isinstance(run.error, BadCase):
            raise run.error
        if run.error:
            raise AssertionError(f"{run.kind.__name__}: {run.error}\nlog:\n{run.tail}") from run.error
    return [run.seen for run in runs]


def _is_agreed(case, line):
    is_found = False
    for agreed in case.agreed:
        for pattern in agreed.patterns:
            if pattern[0] == line[0] and re.fullmatch(pattern[1:].strip(), line[1:].strip()):
                agreed.used.add(pattern)
                is_found = True
    return is_found


def differences(case, stock, ours):
    """Texts, one an aspect that differs, and one an agreed difference that is no more."""
    found = []
    for aspect in sorted(stock.keys() | ours.keys()):
        lines = list(difflib.unified_diff(stock.get(aspect, []), ours.get(aspect, []), f"stock: {aspect}", f"merpati: {aspect}", lineterm=""))
        changed = [line for line in lines[2:] if line[0] in "+-"]
        # Each is asked, so that every pattern learns whether it is of use.
        if not all([_is_agreed(case, line) for line in changed]):
            found.append("\n".join(lines))
    for agreed in case.agreed:
        for pattern in agreed.patterns:
            if pattern not in agreed.used:
                found.append(f"{case.path}:{agreed.line}: this agreed difference is no more: {pattern}")
    return found


def compare(case):
    return differences(case, *observe(case))
