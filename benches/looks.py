#!/usr/bin/env python3
"""Measures what decoration costs: `gallery` against the same places with nothing drawn on them.

    looks.py [--minutes 1] [--runs 9] [--tessera PATH] [--work DIR] [--session DIR]

All run by turns on one session, every other round in reverse, so that whatever else the machine does weighs on each.
What counts is the median of each round's ratio. Also tried: the layout `grid`, whose places are larger; names without
the frame around who speaks; and, as they are asked for rather than usual, level meters and transitions. Ends with 1 if
decoration costs more than 3 %.
"""
import argparse
import re
import shutil
import statistics
import sys
from pathlib import Path

from run import ENCODER, FPS, HERE, TARGET, made_session, run, say

LAYOUT = HERE.parent / "layouts" / "gallery.toml"
MOST = 1.03


def variants(folder):
    """What is compared, by name: layout and further options. The first is the measure of the others."""
    text = LAYOUT.read_text()
    head, body = text.split("[[variant]]", 1)
    style = re.search(r"^\[style\]\n(.*)", head, re.M | re.S)[1]
    kept = "".join(line + "\n" for line in style.splitlines() if re.match(r"(tile_)?background\b", line))
    # initials must go, too: without a picture nothing is drawn
    wanted = {
        "nothing drawn": head.replace(style, kept),
        "gallery without frames": re.sub(r"^speaking\b.*\n", "", head, flags=re.M),
        "gallery": head,
        "gallery with meters": head.replace("[style]\n", "[style]\nmeters = true\n"),
    }
    found = {}
    for number, (name, start) in enumerate(wanted.items()):
        path = folder / f"look-{number}.toml"
        path.write_text(f"{start}[[variant]]{body}")
        found[name] = ["--layout", str(path)]
    for how in ("fade", "glide"):
        found[f"gallery, {how}"] = [*found["gallery"], "--transition", how]
    return {**found, "grid": ["--layout", "grid"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--tessera", type=Path, default=TARGET / "release" / "tessera")
    parser.add_argument("--work", type=Path, default=TARGET / "bench")
    parser.add_argument("--session", type=Path, help="measure this one instead of a made one")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    session = args.session or made_session("small", args.minutes, args.work)
    looks = variants(args.work)
    costs = {name: [] for name in looks}
    for number in range(args.runs):
        say(f"run {number + 1} of {args.runs}")
        for name in list(looks)[:: -1 if number % 2 else 1]:
            out = args.work / "looks-tessera"
            shutil.rmtree(out, ignore_errors=True)
            command = [str(args.tessera), "compose", str(session), "--resolution", "1280x720", "--fps", str(FPS),
                       *ENCODER, *looks[name], "--out", str(out), "--json"]
            _, cost = run(command, args.work / "looks-tessera")
            costs[name].append(cost.cpu_s)
            say(f"  {name:24} {cost.cpu_s:6.1f} s CPU")
    bare = next(iter(costs.values()))
    more = {name: statistics.median(cost / base for cost, base in zip(each, bare)) for name, each in costs.items()}
    print("| look | CPU | against nothing drawn |\n|---|---|---|")
    for name, each in costs.items():
        print(f"| {name} | {statistics.median(each):.1f} s | {100 * (more[name] - 1):+.1f} % |")
    if more["gallery"] > MOST:
        sys.exit(f"decoration costs more than {100 * (MOST - 1):.0f} %")


if __name__ == "__main__":
    main()
