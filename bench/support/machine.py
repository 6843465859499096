# SPDX-License-Identifier: Apache-2.0
"""machine - the ground a bench stands on: a fresh journaled ext4, ports, the time and memory of processes."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **more).stdout


@contextlib.contextmanager
def disk(gigabytes, directory=None):
    """A directory on a journaled ext4 of its own, in a loop image; where that may not be mounted, a directory of the
    temporary folder's filesystem. Says which."""
    place = Path(tempfile.mkdtemp(prefix="bench-", dir=directory))
    mount, image = place / "disk", place / "image"
    mount.mkdir()
    is_mounted = False
    try:
        try:
            run("truncate", "-s", f"{gigabytes}G", image)
            run("mkfs.ext4", "-q", "-i", "4096", image)
            run("mount", "-o", "loop,noatime", image, mount)
            is_mounted = True
        except (OSError, subprocess.CalledProcessError):
            pass
        os.chmod(place, 0o755)
        os.chmod(mount, 0o755)
        print(f"{os.cpu_count()} cores, {describe(mount)}" + (" in a loop image" if is_mounted else ""))
        yield mount
    finally:
        if is_mounted:
            unmount(mount)
        shutil.rmtree(place, ignore_errors=True)


def unmount(mount):
    for _ in range(100):
        if subprocess.run(["umount", str(mount)], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", str(mount)], check=False)


def describe(path):
    """The filesystem of a path, its options, and whether the disk below has a write cache."""
    words = run("findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "-T", path).split()
    caches = {text.read_text().strip() for text in Path("/sys/block").glob("*/queue/write_cache")
              if text.parts[3].startswith(("vd", "sd", "nvme"))}
    return f"queue on {words[1]} ({words[2]}), write cache of the disk: {', '.join(sorted(caches)) or 'unknown'}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def family(root_pid):
    """A process and all below it: {pid: (name, seconds of CPU, with those of its children that have ended)}."""
    rows = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            head, tail = (entry / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        fields = tail.split()
        rows[int(entry.name)] = (int(fields[1]), head.split("(", 1)[1], sum(int(v) for v in fields[11:15]) / TICKS)
    wanted, grew = {root_pid}, True
    while grew:
        more = {pid for pid, row in rows.items() if row[0] in wanted} - wanted
        wanted |= more
        grew = bool(more)
    return {pid: rows[pid][1:] for pid in wanted if pid in rows}


def cpu_seconds(root_pid):
    return sum(row[1] for row in family(root_pid).values())


def memory_kb(root_pid, names=None):
    """Proportional memory of a process and all below it (PSS), of the named programs only if given."""
    total = 0
    for pid, (name, _) in family(root_pid).items():
        if names is None or name in names:
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
    return total


def drop_caches():
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")


@contextlib.contextmanager
def silent_host():
    """A port whose connections are taken and never answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        yield listener.getsockname()[1]
