#!/usr/bin/env python3
"""Compare what sysdig reads in a .scap file with smtrace's own JSON of the same records.

    smtrace -e all -w build.smt -- make                     # the records
    smtrace replay build.smt -w build.scap                  # libscap's events of them
    smtrace replay build.smt --format json -o build.json    # our lines of them
    benches/scap_compare.py build.json build.scap

Every exit in the JSON is looked up in `sysdig -r` by time and thread, and the two are compared in evt.type, proc.name,
proc.pname, user.name, evt.res and fd.name. Exit status 1 when a difference has no reason of those below, or when too
little was compared for the answer to mean anything. The reasons, each counted:

- sysdig takes a thread's maker for its parent, and does not see prctl(PR_SET_NAME): proc.name and proc.pname of a thread
  that is not its process's first are not compared, nor proc.name after a main thread has renamed itself.
- sysdig keeps the name under which a file was opened: one that was renamed since has another.
- sysdig 0.29.3 passes over dup2 and dup3: what they made is not compared in fd.name until it is opened anew.
"""

import collections
import errno
import json
import os
import subprocess
import sys

FIELDS = ["evt.rawtime", "thread.tid", "evt.dir", "evt.type", "proc.name", "proc.pname", "user.name", "evt.res",
          "fd.num", "fd.name"]

# libscap calls some calls otherwise; what it has no name for is a generic event.
NAMES = {"pread64": "pread", "pwrite64": "pwrite", "prlimit64": "prlimit", "_llseek": "llseek", "_newselect": "newselect",
         "fcntl64": "fcntl", "ugetrlimit": "getrlimit", "rt_sigreturn": "sigreturn"}


def read_sysdig(path):
    """The lines of sysdig by (time, thread), exits only, in order."""
    form = "*" + "\t".join("%" + field for field in FIELDS)
    command = ["sysdig", "-r", path, "-p", form]
    events = collections.defaultdict(list)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="surrogateescape")
    count = 0
    for line in process.stdout:
        values = line.rstrip("\n").split("\t", len(FIELDS) - 1)
        if len(values) == len(FIELDS) and values[2] == "<":
            count += 1
            event = dict(zip(FIELDS, values))
            events[int(event["evt.rawtime"]), int(event["thread.tid"])].append(event)
    status = process.wait()
    if status != 0:
        sys.exit(f"sysdig ended with {status} after {count} exits")
    return events, count


def result_of(event):
    """What evt.res says of a result."""
    result = event["result"]
    # What the kernel answers itself when a signal interrupts a call (linux/errno.h).
    inside = {512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 516: "ERESTART_RESTARTBLOCK"}
    if isinstance(result, int) and -4095 <= result < 0:
        return errno.errorcode.get(-result) or inside.get(-result, str(result))
    return "SUCCESS"


def same_file(asked, real, cache={}):
    """Whether the path that sysdig put together names the file that the kernel says was open."""
    real = real.removesuffix(" (deleted)")
    if asked == real:
        return True
    if asked not in cache:
        cache[asked] = os.path.realpath(asked)
    if cache[asked] == real:
        return True
    # Links that are gone by now: the last name is the same unless it was one.
    return os.path.basename(asked) == os.path.basename(real)


def renamed_by(event):
    """The last part of the path that a rename took away, or nothing."""
    if event["name"] not in ("rename", "renameat", "renameat2") or event["result"] != 0:
        return None
    for argument in event["args"]:
        if argument["name"] == "oldname" and isinstance(argument.get("value"), str):
            return os.path.basename(argument["value"])
    return None


class Stale:
    """The descriptors of each process that sysdig has another idea of, for it passed over a dup2."""

    def __init__(self):
        self.of = {}

    def see(self, event):
        numbers = self.of.setdefault(event["pid"], set(self.of.get(event["ppid"], ())))
        result, args = event["result"], {arg["name"]: arg.get("raw") for arg in event.get("args", [])}
        if result < 0:
            return
        if event["name"] in ("dup2", "dup3", "dup"):
            numbers.add(result)
        elif event["name"] == "fcntl" and args.get("cmd") in (0, 1030):
            (numbers.add if args.get("fd") in numbers else numbers.discard)(result)
        elif event.get("opened") is not None:
            numbers.discard(result)


def main():
    lines, capture = sys.argv[1:]
    sysdig, count = read_sysdig(capture)
    compared, different, absent = collections.Counter(), collections.defaultdict(list), collections.Counter()
    exits, excused = 0, collections.Counter()
    renamed_files, renamed_tasks, stale = set(), set(), Stale()
    with open(lines, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            event = json.loads(line)
            if event["type"] != "syscall" or event["dir"] != "<" or not isinstance(event.get("result"), int):
                continue
            exits += 1
            stale.see(event)
            taken = renamed_by(event)
            if taken:
                renamed_files.add(taken)
            if event["name"] == "prctl" and event["args"][0].get("raw") == 15:
                renamed_tasks.add(event["tid"])
            if event["name"] in ("execve", "execveat") and event["result"] == 0:
                renamed_tasks.discard(event["tid"])
            found = sysdig.get((int(event["time_ns"]), event["tid"]))
            name = NAMES.get(event["name"], event["name"])
            # execve is told when it happens, a moment before it returns.
            if name in ("execve", "execveat") and event["result"] == 0:
                continue
            if not found:
                absent[event["name"]] += 1
                continue
            theirs = found.pop(0)

            def check(field, ours):
                compared[field] += 1
                if theirs[field] != ours:
                    different[field].append((event["name"], ours, theirs[field], event["time_ns"]))

            if theirs["evt.type"] not in ("<unknown>", "<NA>"):
                check("evt.type", name)
            if event["tid"] != event["pid"]:
                excused["proc.name and proc.pname of further threads"] += 1
            elif event["tid"] in renamed_tasks:
                excused["proc.name after a rename"] += 1
            else:
                check("proc.name", event["comm"])
                if event["parent_comm"] and event["ppid"] not in renamed_tasks:
                    check("proc.pname", event["parent_comm"])
            if event.get("user"):
                check("user.name", event["user"])
            if theirs["evt.res"] not in ("<NA>", ""):
                check("evt.res", result_of(event))
            paths = {entry["fd"]: entry["path"] for entry in event.get("fds", [])}
            if theirs["fd.num"].isdigit() and theirs["fd.name"] not in ("<NA>", ""):
                real = paths.get(int(theirs["fd.num"]))
                if real is not None and real.startswith("/"):
                    if int(theirs["fd.num"]) in stale.of[event["pid"]]:
                        excused["fd.name after dup2"] += 1
                        continue
                    if os.path.basename(theirs["fd.name"]) in renamed_files:
                        excused["fd.name of a renamed file"] += 1
                        continue
                    compared["fd.name"] += 1
                    if not same_file(theirs["fd.name"], real):
                        different["fd.name"].append((event["name"], real, theirs["fd.name"], event["time_ns"]))
    print(f"exits: {exits} of ours, {count} of sysdig's")
    for field in FIELDS[3:]:
        if field != "fd.num":
            print(f"{field}: {compared[field]} compared, {len(different[field])} differ")
    for field, cases in different.items():
        tally = collections.Counter((name, ours, theirs) for name, ours, theirs, _ in cases)
        for (name, ours, theirs), number in tally.most_common(12):
            print(f"  {field} of {name}: ours {ours!r}, sysdig's {theirs!r} ({number} times)")
    print("not compared, with a reason:", dict(excused))
    print("not in sysdig's (event types younger than it):", dict(absent.most_common()))
    little = compared["evt.type"] < exits * 0.5 or min(compared[field] for field in FIELDS[3:] if field != "fd.num") == 0
    bad = any(different.values()) or little
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
