# SPDX-License-Identifier: Apache-2.0
"""table - rounds in turns, medians, and a table of them with the ratios of the first row to the others."""

import argparse
import os
import signal
import statistics
import sys

KINDS = ["merpati", "postfix"]


def options_of(text, **defaults):
    """The options that all benches have, with these whole numbers beside them."""
    parser = argparse.ArgumentParser(description=text)
    for name, value in {"rounds": 5, **defaults}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--build", default="release")
    parser.add_argument("--only", action="append", help="one of the programs that are compared")
    parser.add_argument("--directory", help="where the disk is made (the temporary folder)")
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))  # what was started and mounted is taken away
    if os.geteuid() != 0:
        parser.error("run it as root, so that each program has the users it would have")
    return parser.parse_args()


def rounds(programs, count, one_round, warm=True):
    """one_round(program) gives a dictionary of figures; the programs take turns. Medians by kind."""
    results = {program.kind: [] for program in programs}
    if warm:
        for program in programs:
            one_round(program)
    for _ in range(count):
        for program in programs:
            results[program.kind].append(one_round(program))
    return {kind: median_of(rows) for kind, rows in results.items()}


def rounds_of_kinds(options, one_round):
    """The same for programs that are made anew each round: one_round(kind)."""
    results = {kind: [] for kind in options.only or KINDS}
    for _ in range(options.rounds):
        for kind, rows in results.items():
            rows.append(one_round(kind))
    return {kind: median_of(rows) for kind, rows in results.items()}


def median_of(rows):
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def show(medians, digits=0):
    """A Markdown table: a row a program, then what Merpati's figure is of each other's."""
    keys = list(dict.fromkeys(key for row in medians.values() for key in row))
    print("| | " + " | ".join(keys) + " |")
    print("|---" * (len(keys) + 1) + "|")
    for kind, row in medians.items():
        print(f"| {kind} | " + " | ".join(f"{row[key]:,.{digits}f}" if key in row else "" for key in keys) + " |")
    ours = medians.get("merpati", {})
    for kind, row in medians.items():
        if kind != "merpati" and ours:
            cells = [f"{ours[key] / row[key]:.3g}" if row.get(key) and key in ours else "" for key in keys]
            print(f"| merpati / {kind} | " + " | ".join(cells) + " |")
