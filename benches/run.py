#!/usr/bin/env python3
"""Measures `tessera compose` against ffmpeg by hand on the same sessions, and against the project's bars.

    run.py [--kinds small,large,webinar,audio] [--minutes 2] [--runs 3] [--tessera PATH] [--work DIR]
           [--session KIND=DIR]... [--yardstick 'COMMAND {session} {out}'] [--long]
           [--markdown FILE] [--json FILE]

For each kind of session the two run by turns, so that whatever else the machine does weighs on both; what
counts is the ratio of the medians, with the ratio of every pair beside it. CPU, wall clock and peak memory
are those the kernel reports for the process and its children. Picture quality is measured against a lossless
recording of tessera's own plan, frame by frame.

Ends with 1 if a bar is missed, and says which.
"""
import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
KINDS = ("small", "large", "webinar", "audio")
FPS = 30
PICTURE = ["--layout", "grid", "--resolution", "1280x720"]
ENCODER = ["--preset", "veryfast", "--crf", "23"]
OWN_YARDSTICK = [sys.executable, str(HERE / "by_hand.py"), "{session}", "{out}"]

# What is measured: how it is called in a table, and how its values are written.
METRICS = {
    "cpu_ratio": ("CPU against the yardstick", "{:.2f}"),
    "auto_ratio": ("CPU with `--fps auto` against the yardstick at 30/s", "{:.2f}"),
    "speed": ("speed, times real time", "{:.1f}"),
    "wall_per_cpu": ("wall clock per CPU second", "{:.2f}"),
    "peak_mib": ("peak memory, MiB", "{:.0f}"),
    "peak_growth": ("peak memory of 20 minutes against 2", "{:.2f}"),
    "size_ratio": ("file size against the yardstick", "{:.2f}"),
    "ssim_loss": ("SSIM below the yardstick's", "{:.4f}"),
    "first_frame_ms": ("start to first encoded frame, ms", "{:.0f}"),
    "completeness": ("length against the yardstick's", "{:.3f}"),
}


@dataclass(frozen=True)
class Bar:
    """What is asked of a metric on one kind of session."""
    kind: str
    metric: str
    limit: float
    at_least: bool = False

    def holds(self, value):
        return value >= self.limit if self.at_least else value <= self.limit

    def asked(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BARS = [
    Bar("small", "cpu_ratio", 0.85), Bar("large", "cpu_ratio", 0.42), Bar("webinar", "cpu_ratio", 0.75),
    Bar("large", "auto_ratio", 0.32),
    Bar("small", "speed", 4, True), Bar("large", "speed", 3.5, True),
    Bar("webinar", "speed", 5, True), Bar("audio", "speed", 40, True),
    Bar("small", "wall_per_cpu", 0.58), Bar("large", "wall_per_cpu", 0.58),
    *(Bar(kind, "peak_mib", 700) for kind in KINDS),
    Bar("small", "peak_growth", 1.15),
    *(Bar(kind, "size_ratio", 1.10) for kind in KINDS[:3]),
    *(Bar(kind, "ssim_loss", 0.005) for kind in KINDS[:3]),
    Bar("small", "first_frame_ms", 1000),
    # None of the above is worth anything if a part of the session is missing.
    *(Bar(kind, "completeness", 0.98, True) for kind in KINDS),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    """A command that the benchmark cannot go on without did not work."""


# ----------------------------------------------------------------------------------------- measuring

@dataclass(frozen=True)
class Cost:
    cpu_s: float
    wall_s: float
    peak_mib: float


def run(command, log):
    """Runs a command to its end; gives its stdout and what the kernel says it cost.

    Output goes to files, as a pipe that nobody reads would stop the command.
    """
    began = time.monotonic()
    with open(log.with_suffix(".out"), "wb") as out, open(log.with_suffix(".err"), "wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()     # not killed: it may have files to clean up
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss / 1024)
    if process.returncode != 0:
        last_words = log.with_suffix(".err").read_text(errors="replace")[-2000:]
        raise Failed(f"exit code {process.returncode} from: {shlex.join(command)}\n{last_words}")
    return log.with_suffix(".out").read_text(), cost


def result_of(stdout, command):
    """The JSON a command printed: all of its stdout, or at least its last line."""
    for text in (stdout, (stdout.strip().splitlines() or [""])[-1]):
        try:
            return json.loads(text)
        except ValueError:
            pass
    raise Failed(f"no JSON on stdout of: {shlex.join(command)}")


def media_seconds(path):
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(probe, check=True, capture_output=True, text=True).stdout)


def ssim(recording, reference):
    """Mean over all frames. A recording of ours has none where nothing changed, so both are first put on
    one grid of ticks."""
    grid = f"fps={FPS}:start_time=0,settb=1/{FPS},format=yuv420p"
    graph = f"[0:v]{grid}[a];[1:v]{grid}[b];[a][b]ssim=shortest=1"
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(recording), "-i", str(reference),
               "-filter_complex", graph, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"SSIM .*All:([0-9.]+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Failed(f"no SSIM of {recording}:\n{done.stderr[-2000:]}")
    return float(found[1])


# ---------------------------------------------------------------------------------------- contenders

class Contenders:
    """The commands that are compared, and the folder they work in."""

    def __init__(self, tessera, yardstick, work):
        self.tessera, self.yardstick, self.work = str(tessera), yardstick, work

    def yardstick_run(self, kind, session):
        out = self.work / f"{kind}-yardstick.mp4"
        command = [part.format(session=session, out=out) for part in self.yardstick]
        stdout, _ = run(command, self.work / f"{kind}-yardstick")
        told = result_of(stdout, command)
        cost = Cost(float(told["cpu_s"]), float(told["wall_s"]), float(told["peak_rss_mib"]))
        say(f"  yardstick     {cost.cpu_s:7.1f} s CPU {cost.wall_s:7.1f} s wall {cost.peak_mib:5.0f} MiB")
        return told, cost

    def tessera_run(self, kind, session, fps=str(FPS)):
        """Gives the MP4, the report it printed, and the cost. Each run starts from an empty folder, so
        that no checkpoint of the one before helps it."""
        folder = self.work / f"{kind}-tessera-{fps}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [self.tessera, "compose", str(session), *PICTURE, "--fps", fps, *ENCODER,
                   "--out", str(folder), "--json"]
        stdout, cost = run(command, self.work / f"{kind}-tessera-{fps}")
        recordings = sorted(folder.rglob("*.mp4"))
        if len(recordings) != 1:
            raise Failed(f"{len(recordings)} recordings in {folder}, not one")
        label = "tessera" if fps == str(FPS) else f"tessera {fps}"
        say(f"  {label:13} {cost.cpu_s:7.1f} s CPU {cost.wall_s:7.1f} s wall {cost.peak_mib:5.0f} MiB")
        return recordings[0], result_of(stdout, command), cost

    def write_plan(self, kind, session):
        command = [self.tessera, "plan", str(session), *PICTURE, "--fps", str(FPS), "--json"]
        stdout, _ = run(command, self.work / f"{kind}-plan")
        plan = self.work / f"{kind}-plan.json"
        plan.write_text(json.dumps(result_of(stdout, command)))
        return plan

    def by_plan(self, kind, session, plan, name, *options):
        """Our own yardstick with tessera's geometry, whichever yardstick the times are compared with."""
        out = self.work / f"{kind}-{name}.mp4"
        command = [sys.executable, str(HERE / "by_hand.py"), str(session), str(out), "--plan", str(plan), *options]
        run(command, self.work / f"{kind}-{name}")
        return out


# ------------------------------------------------------------------------------------------ sessions

def made_session(kind, minutes, work):
    """A session of this kind and length, made unless one by this very generator is there already."""
    generator = HERE / "make_session.py"
    folder = work / f"{kind}-{minutes:g}m"
    stamp = folder / "generator.sha256"
    wanted = hashlib.sha256(generator.read_bytes()).hexdigest()
    if (folder / "session.json").exists() and stamp.exists() and stamp.read_text() == wanted:
        return folder
    say(f"making {folder.name} …")
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, str(generator), kind, str(folder), "--minutes", f"{minutes:g}"], work / f"{kind}-make")
    stamp.write_text(wanted)
    return folder


# -------------------------------------------------------------------------------------------- bench

def median_of(costs, field):
    return statistics.median(getattr(cost, field) for cost in costs)


def ratio_of_medians(ours, theirs):
    return median_of(ours, "cpu_s") / median_of(theirs, "cpu_s")


def pairs(ours, theirs):
    return [our.cpu_s / their.cpu_s for our, their in zip(ours, theirs)]


def first_frame(reports):
    times = [report.get("timings", {}).get("first_frame_ms") for report in reports]
    return statistics.median(times) if times and None not in times else None


def measure_speed(contenders, kind, session, runs):
    """By turns: yardstick, tessera, and on large tessera with the rate of its choice."""
    theirs, ours, auto, reports = [], [], [], []
    for number in range(runs):
        say(f"{kind}, run {number + 1} of {runs}")
        told, cost = contenders.yardstick_run(kind, session)
        theirs.append(cost)
        recording, report, cost = contenders.tessera_run(kind, session)
        ours.append(cost)
        reports.append(report)
        if kind == "large":
            auto.append(contenders.tessera_run(kind, session, "auto")[2])
    seconds = media_seconds(recording)
    values = {
        "cpu_ratio": ratio_of_medians(ours, theirs),
        "auto_ratio": ratio_of_medians(auto, theirs) if auto else None,
        "speed": seconds / median_of(ours, "wall_s"),
        "wall_per_cpu": median_of(ours, "wall_s") / median_of(ours, "cpu_s"),
        "peak_mib": max(cost.peak_mib for cost in ours + auto),
        "first_frame_ms": first_frame(reports),
        "completeness": seconds / told["session_s"],
    }
    raw = {"session_s": told["session_s"], "cuts": told.get("cuts"),
           "yardstick": theirs, "tessera": ours, "tessera_auto": auto,
           "cpu_pairs": pairs(ours, theirs), "auto_pairs": pairs(auto, theirs)}
    return recording, values, raw


def measure_quality(contenders, kind, session, recording):
    """The same scenes three times: lossless, by the yardstick, by us."""
    say(f"{kind}, quality")
    plan = contenders.write_plan(kind, session)
    reference = contenders.by_plan(kind, session, plan, "lossless", "--lossless")
    by_hand = contenders.by_plan(kind, session, plan, "same-plan")
    theirs, ours = ssim(by_hand, reference), ssim(recording, reference)
    sizes = {"yardstick": by_hand.stat().st_size, "tessera": recording.stat().st_size}
    reference.unlink()
    say(f"  SSIM {ours:.4f}, yardstick {theirs:.4f}; {sizes['tessera']} bytes, yardstick {sizes['yardstick']}")
    values = {"size_ratio": sizes["tessera"] / sizes["yardstick"], "ssim_loss": theirs - ours}
    return values, {"ssim": {"yardstick": theirs, "tessera": ours}, "bytes": sizes}


def measure_growth(contenders, work):
    """Memory must not grow with the length of a session."""
    peaks = []
    for minutes in (2, 20):
        session = made_session("small", minutes, work)
        say(f"small, {minutes} minutes, memory")
        peaks.append(contenders.tessera_run("small-growth", session)[2].peak_mib)
    return {"peak_growth": peaks[1] / peaks[0]}, {"peaks_mib": {"2m": peaks[0], "20m": peaks[1]}}


def measure(contenders, args):
    """All values by kind, and the single runs they were taken from."""
    values, raw = {}, {}
    for kind in args.kinds:
        session = args.sessions.get(kind) or made_session(kind, args.minutes, args.work)
        recording, values[kind], raw[kind] = measure_speed(contenders, kind, session, args.runs)
        if kind != "audio":
            more, details = measure_quality(contenders, kind, session, recording)
            values[kind].update(more)
            raw[kind].update(details)
        if kind == "small" and args.long:
            more, details = measure_growth(contenders, args.work)
            values[kind].update(more)
            raw[kind].update(details)
    return values, raw


# -------------------------------------------------------------------------------------------- verdict

def verdicts(values):
    """Each bar of the kinds that were run, with the value; None where nothing was measured."""
    return [(bar, values[bar.kind].get(bar.metric)) for bar in BARS if bar.kind in values]


def written(bar, value):
    return "n/a" if value is None else METRICS[bar.metric][1].format(value)


def describe(bar, value):
    return f"{bar.kind}: {METRICS[bar.metric][0]}: {written(bar, value)}, asked {bar.asked()}"


def environment(args):
    """What a reader needs in order to judge the figures."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else ""
    version = subprocess.run(["ffmpeg", "-version"], check=True, capture_output=True, text=True).stdout
    return {"cpu": model or platform.machine(), "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2), "ffmpeg": version.split()[2],
            "runs": args.runs, "yardstick": "another" if args.yardstick else "benches/by_hand.py"}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def bars_table(judged):
    rows = []
    for bar, value in judged:
        ok = "n/a" if value is None else "yes" if bar.holds(value) else "**no**"
        rows.append([bar.kind, METRICS[bar.metric][0], bar.asked(), written(bar, value), ok])
    return table(["session", "what", "asked", "measured", "ok"], rows)


def costs_table(raw):
    """The medians the ratios were made from, and the ratio of each pair, which shows how steady they are."""
    rows = []
    for kind, data in raw.items():
        for who, ratios in (("yardstick", []), ("tessera", data["cpu_pairs"]), ("tessera_auto", data["auto_pairs"])):
            costs = data[who]
            if costs:
                rows.append([f"{kind}, {data['session_s']:.0f} s", who.replace("_auto", " `--fps auto`"),
                             f"{median_of(costs, 'cpu_s'):.1f}", f"{median_of(costs, 'wall_s'):.1f}",
                             f"{max(c.peak_mib for c in costs):.0f}",
                             ", ".join(f"{ratio:.2f}" for ratio in ratios) or "–"])
    return table(["session", "who", "CPU s", "wall s", "peak MiB", "CPU of each pair"], rows)


def quality_table(raw):
    rows = [[kind, who, f"{data['bytes'][who] / 1e6:.2f}", f"{data['ssim'][who]:.4f}"]
            for kind, data in raw.items() if "ssim" in data for who in ("yardstick", "tessera")]
    return table(["session", "who", "MB", "SSIM"], rows)


def markdown(around, judged, raw):
    compose = shlex.join(["tessera", "compose", "SESSION", *PICTURE, "--fps", str(FPS), *ENCODER])
    lines = [f"{around['cpu']}, {around['cores']} cores, load {around['load_before']} before; "
             f"ffmpeg {around['ffmpeg']}; {around['runs']} runs each, "
             f"by turns with the yardstick ({around['yardstick']}): `{compose}`", ""]
    lines += bars_table(judged) + [""] + costs_table(raw)
    if any("ssim" in data for data in raw.values()):
        lines += ["", "The same scenes and rectangles in both, against a lossless recording of them:", ""]
        lines += quality_table(raw)
    return "\n".join(lines) + "\n"


def as_json(around, values, raw, judged):
    bars = [{"kind": bar.kind, "metric": bar.metric, "asked": bar.asked(), "measured": value,
             "ok": None if value is None else bar.holds(value)} for bar, value in judged]
    return json.dumps({"environment": around, "bars": bars, "values": values, "runs": raw},
                      indent=1, default=asdict) + "\n"


# ------------------------------------------------------------------------------------------- running

def kinds(text):
    wanted = text.split(",")
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return wanted


def existing_session(text):
    kind, _, folder = text.partition("=")
    if kind not in KINDS or not (Path(folder) / "session.json").exists():
        raise argparse.ArgumentTypeError(f"{text}: KIND=DIR is asked for, with a session.json in DIR")
    return kind, Path(folder)


def yardstick(text):
    if "{session}" not in text or "{out}" not in text:
        raise argparse.ArgumentTypeError("the command must say where {session} and {out} belong")
    return shlex.split(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", type=kinds, default=list(KINDS), help="some of small,large,webinar,audio")
    parser.add_argument("--minutes", type=float, default=2.0, help="length of the sessions that are made")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tessera", type=Path, default=TARGET / "release" / "tessera")
    parser.add_argument("--work", type=Path, default=TARGET / "bench", help="where sessions are kept")
    parser.add_argument("--session", action="append", type=existing_session, default=[], metavar="KIND=DIR",
                        help="use this session instead of making one")
    parser.add_argument("--yardstick", type=yardstick, metavar="COMMAND",
                        help="another yardstick, which prints the JSON line that by_hand.py prints")
    parser.add_argument("--long", action="store_true", help="memory on 20 minutes too (takes long)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    args.sessions = dict(args.session)
    if args.runs < 1:
        parser.error("--runs: one at least")
    args.tessera = args.tessera.resolve()       # or a bare name would be looked for in PATH
    if not os.access(args.tessera, os.X_OK):
        parser.error(f"--tessera: there is no program {args.tessera}; `make build` makes it")
    return args


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args.work.mkdir(parents=True, exist_ok=True)
    around = environment(args)
    contenders = Contenders(args.tessera, args.yardstick or OWN_YARDSTICK, args.work)
    values, raw = measure(contenders, args)
    judged = verdicts(values)
    text = markdown(around, judged, raw)
    print(text)
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(as_json(around, values, raw, judged))
    missed = [describe(bar, value) for bar, value in judged if value is not None and not bar.holds(value)]
    if missed:
        say("missed:\n" + "\n".join(f"  {line}" for line in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"run: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
