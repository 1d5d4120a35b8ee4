#!/usr/bin/env python3
"""What tracing costs: smtrace beside the floor (floor.c), strace and no tracer at all.

usage: compare.py [--smtrace FILE] [--rounds N] [--calls N] [--build DIR] [--only PART,...] [--cpu] [--keep]

Rounds are interleaved: each round runs every contender once, in an order that rotates, so that what the machine does
meanwhile hits all alike; the median of the rounds counts. Prints a Markdown table with the machine it was measured on;
--keep writes it to benches/runs/ too. --build DIR is the unpacked source of a small GNU package (`apt-get source hello`)
for ./configure and make -j2. --cpu counts the CPU time of tracer and tracees instead of what passes on the clock, for a
machine that does other things too; it does not show what waking an idle CPU costs, so a quarter of strace's is not to be
expected of it. Parts: hot, busy, idle-call, memory, configure, make. Needs gcc; strace and taskset where they are.
"""
import argparse, datetime, json, os, platform, re, resource, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
GETPPID, GETUID = "110", "102"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smtrace", default=os.path.join(HERE, "../target/release/smtrace"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--build", help="source directory of a package with a configure script")
    parser.add_argument("--only", default="hot,busy,idle-call,memory,configure,make")
    parser.add_argument("--cpu", action="store_true", help="CPU time of all processes instead of the clock's")
    parser.add_argument("--keep", action="store_true", help="write the result to benches/runs/")
    return parser.parse_args()


def cpu_time():
    """Seconds of CPU time of all processes that were waited for, by us or by those."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    def __init__(self, options):
        self.options = options
        self.smtrace = os.path.abspath(options.smtrace)
        self.dir = tempfile.mkdtemp(prefix="smtrace-bench-")
        self.text = []
        for name in ("floor", "hot"):
            source = os.path.join(HERE, name + ".c")
            subprocess.run(["gcc", "-O2", "-o", self.path(name), source], check=True)
        self.strace = shutil.which("strace")
        self.taskset = shutil.which("taskset")
        if not os.access(self.smtrace, os.X_OK):
            sys.exit(f"{self.smtrace} is missing: cargo build --release, or --smtrace FILE")

    def path(self, name):
        return os.path.join(self.dir, name)

    def say(self, line=""):
        print(line, flush=True)
        self.text.append(line)

    def pinned(self, command):
        return ["taskset", "-c", "0"] + command

    def by_strace(self, calls, log="strace.log"):
        return ["strace", "-f", "--seccomp-bpf", "-e", "trace=" + calls, "-o", self.path(log)]

    def by_smtrace(self, calls, *more):
        return [self.smtrace, "-q", "--format", "module", "-o", self.path("smtrace.log"), *more, "-e", calls, "--"]

    def by_floor(self):
        return [self.path("floor"), GETPPID]

    def hot(self, prefix, number=GETPPID, busy=()):
        """Microseconds per call, as the loop itself sees them, or of CPU time."""
        command = prefix + [self.path("hot"), str(self.options.calls), number, *busy]
        before = cpu_time()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.options.cpu and not done.returncode:
            return (cpu_time() - before) / self.options.calls * 1e6
        try:
            return float(done.stdout) / 1000
        except ValueError:
            sys.exit(f"{' '.join(command)}: {done.returncode} {done.stderr[-500:]}")

    def rounds(self, contenders, run, rounds=None):
        """The median and the spread for each contender, from interleaved rounds."""
        names = list(contenders)
        found = {name: [] for name in names}
        for number in range(rounds or self.options.rounds):
            for at in range(len(names)):
                name = names[(at + number) % len(names)]
                found[name].append(run(contenders[name]))
        return {name: (statistics.median(values), min(values), max(values)) for name, values in found.items()}

    def contenders(self):
        loops = {"untraced": []}
        if self.taskset:
            loops["untraced, one CPU"] = self.pinned([])
            loops["floor, one CPU"] = self.pinned(self.by_floor())
        loops["floor, unpinned"] = self.by_floor()
        if self.strace:
            loops["strace, unpinned"] = self.by_strace("getppid")
        loops["smtrace, unpinned"] = self.by_smtrace("getppid")
        if self.taskset:
            loops["smtrace, one CPU"] = self.pinned(self.by_smtrace("getppid"))
        return loops

    def table(self, title, found, base, compared):
        """Rows with what was added to the base, and its ratio to the floor and to strace."""
        self.say(f"\n### {title}\n")
        self.say("| | us per call | min .. max | added | " + " | ".join("x " + name for name in compared) + " |")
        self.say("| --- | ---: | ---: | ---: |" + " ---: |" * len(compared))
        for name, (median, low, high) in found.items():
            added = median - found[base][0]
            ratios = [added / (found[other][0] - found[base][0]) if other != name and other in found else None for other in compared]
            words = " | ".join("" if ratio is None or name.startswith("untraced") else f"{ratio:.2f}" for ratio in ratios)
            self.say(f"| {name} | {median:.3f} | {low:.3f} .. {high:.3f} | {added:.3f} | {words} |")

    def part_hot(self):
        found = self.rounds(self.contenders(), self.hot)
        floor = "floor, one CPU" if "floor, one CPU" in found else "floor, unpinned"
        self.table("A hot loop of one enabled call, idle machine", found, "untraced", [floor, "strace, unpinned"])
        mine = found["smtrace, unpinned"][0] - found["untraced"][0]
        together = found.get("smtrace, one CPU", found["smtrace, unpinned"])[0] - found["untraced"][0]
        self.goal("at most 1.25 times the floor, both on one CPU", together / (found[floor][0] - found["untraced"][0]), 1.25)
        if self.strace:
            self.goal("at most a quarter of strace's", mine / (found["strace, unpinned"][0] - found["untraced"][0]), 0.25)

    def part_busy(self):
        """The same with a spinning process on the last CPU: then the scheduler keeps both together by itself."""
        busy = [str(max(os.sched_getaffinity(0)))]
        loops = {name: prefix for name, prefix in self.contenders().items() if "one CPU" not in name}
        found = self.rounds(loops, lambda prefix: self.hot_beside(prefix, busy))
        self.table("The same while another process keeps one CPU busy", found, "untraced", ["floor, unpinned", "strace, unpinned"])
        if self.strace:
            added = [found[name][0] - found["untraced"][0] for name in ("smtrace, unpinned", "strace, unpinned")]
            self.goal("never more than strace", added[0] / added[1], 1.0)

    def hot_beside(self, prefix, busy):
        # The busy process is not the tracer's: it runs beside.
        spinner = subprocess.Popen([self.path("hot"), "1000000000000", GETUID], stdout=subprocess.DEVNULL,
                                   preexec_fn=lambda: os.sched_setaffinity(0, [int(cpu) for cpu in busy]))
        try:
            return self.hot(prefix)
        finally:
            spinner.kill()
            spinner.wait()

    def part_idle_call(self):
        calls, self.options.calls = self.options.calls, self.options.calls * 100
        loops = {"untraced": [], "smtrace": self.by_smtrace("getppid")}
        if self.strace:
            loops["strace"] = self.by_strace("getppid")
        if self.taskset:
            loops = {name: self.pinned(prefix) for name, prefix in loops.items()}
        found = self.rounds(loops, lambda prefix: self.hot(prefix, GETUID))
        self.options.calls = calls
        self.say("\n### A hot loop of a call that is not enabled\n")
        self.say("| | us per call | min .. max | difference |\n| --- | ---: | ---: | ---: |")
        base = found["untraced"][0]
        for name, (median, low, high) in found.items():
            self.say(f"| {name} | {median:.4f} | {low:.4f} .. {high:.4f} | {100 * (median / base - 1):+.1f} % |")
        self.goal("within 3 % of untraced", found["smtrace"][0] / base, 1.03)

    def peak(self, command):
        """The peak memory of the tracer alone, in KiB. Not wait4's ru_maxrss: that counts this Python before the exec too."""
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while child.poll() is None:
            try:
                with open(f"/proc/{child.pid}/status", encoding="utf-8", errors="replace") as file:
                    found = re.search(r"VmHWM:\s*(\d+)", file.read())
                peak = int(found[1]) if found else peak
            except OSError:
                pass
            time.sleep(0.01)
        if child.returncode:
            self.say(f"(ended with {child.returncode}: {' '.join(command)})")
        return peak

    def part_memory(self):
        self.say("\n### Memory (peak resident size of the tracer)\n")
        self.say("| | KiB |\n| --- | ---: |")
        script = "i=0; while [ $i -lt 20000 ]; do /bin/true; i=$((i+1)); done"
        loads = {
            "one short program": ["/bin/true"],
            "100,000 events": [self.path("hot"), "50000", GETPPID],
            "1,000,000 events": [self.path("hot"), "500000", GETPPID],
            "20,000 short processes": ["sh", "-c", script],
        }
        sizes = {}
        for name, command in loads.items():
            sizes[name] = self.peak(self.by_smtrace("getppid,execve") + command)
            self.say(f"| {name} | {sizes[name]} |")
        self.goal("at most 24 MiB", max(sizes.values()) / 1024, 24)
        self.goal("flat over a million events", sizes["1,000,000 events"] / max(sizes["100,000 events"], 1), 1.1)

    def timed(self, command, cwd):
        clock = cpu_time if self.options.cpu else time.monotonic
        start = clock()
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.returncode} {done.stderr[-500:]}")
        return clock() - start

    def part_configure(self):
        self.build("./configure", 0.5)

    def part_make(self):
        self.build("make -j2", 1.0)

    def build(self, title, limit):
        if not self.options.build:
            self.say(f"\n(no --build DIR: {title} is not measured)")
            return
        source = os.path.abspath(self.options.build)
        default, wide = self.default_set(), "%file,%process,%network"
        tracers = {"untraced": []}
        for words, calls in (("the default set", default), (wide, wide)):
            if self.strace:
                # `?`: no mistake if this strace does not know the call.
                known = calls if calls is wide else ",".join("?" + call for call in calls.split(","))
                tracers[f"strace, {words}"] = self.by_strace(known)
            tracers[f"smtrace, {words}"] = self.by_smtrace(calls)

        def configure(prefix):
            tree = tempfile.mkdtemp(dir=self.dir)
            try:
                return self.timed(prefix + ["sh", source + "/configure", "--quiet"], tree)
            finally:
                shutil.rmtree(tree)

        def make(prefix):
            tree = tempfile.mkdtemp(dir=self.dir)
            try:
                self.timed(["sh", source + "/configure", "--quiet"], tree)
                return self.timed(prefix + ["make", "-j2", "-s"], tree)
            finally:
                shutil.rmtree(tree)

        rounds = max(2, self.options.rounds // 2)
        found = self.rounds(tracers, {"./configure": configure, "make -j2": make}[title], rounds)
        base = found["untraced"][0]
        self.say(f"\n### {title} of {os.path.basename(source)}, {rounds} rounds\n")
        self.say("| | s | min .. max | added |\n| --- | ---: | ---: | ---: |")
        for name, (median, low, high) in found.items():
            self.say(f"| {name} | {median:.2f} | {low:.2f} .. {high:.2f} | {median - base:+.2f} |")
        if self.strace:
            for words in ("the default set", wide):
                ratio = (found[f"smtrace, {words}"][0] - base) / max(found[f"strace, {words}"][0] - base, 1e-9)
                self.goal(f"{title}, {words}: at most {limit} of what strace adds", ratio, limit)

    def default_set(self):
        """The calls that smtrace traces when nothing is said."""
        with open(os.path.join(HERE, "../config/interesting_syscalls.json"), encoding="utf-8") as file:
            calls = json.load(file)
        return ",".join(name for name, call in calls.items() if call["interesting"])

    def goal(self, words, value, limit):
        self.say(f"\n{'met' if value <= limit else 'NOT MET'}: {words} ({value:.2f}, limit {limit})")

    def heading(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"model name\s*: (.*)", file.read())
        version = lambda command: subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]
        self.say(f"# {datetime.date.today()}: what tracing costs\n")
        self.say(f"- machine: {len(os.sched_getaffinity(0))} CPUs, {model[1] if model else platform.machine()}, Linux {platform.release()}")
        self.say(f"- load before: {' '.join(f'{value:.2f}' for value in os.getloadavg())}")
        self.say(f"- {version([self.smtrace, '--version'])}; {version(['strace', '--version']) if self.strace else 'no strace'}")
        self.say(f"- command: `benches/compare.py {' '.join(word for word in sys.argv[1:] if not word.startswith('/'))}`")
        self.say(f"- {self.options.rounds} interleaved rounds of {self.options.calls} calls, medians")
        if self.options.cpu:
            self.say("- CPU time of all processes of a run, not the time that passed")

    def run(self):
        self.heading()
        for part in self.options.only.split(","):
            getattr(self, "part_" + part.replace("-", "_"))()
        shutil.rmtree(self.dir)
        if self.options.keep:
            os.makedirs(os.path.join(HERE, "runs"), exist_ok=True)
            name = datetime.datetime.now().strftime("%Y-%m-%d-%H%M.md")
            with open(os.path.join(HERE, "runs", name), "w", encoding="utf-8") as file:
                file.write("\n".join(self.text) + "\n")


if __name__ == "__main__":
    Bench(arguments()).run()
