#!/usr/bin/env python3
"""The yardstick: composes a session the way an engineer would with the ffmpeg command.

    by_hand.py SESSION OUT.mp4 [--plan PLAN.json] [--size 1280x720] [--fps 30]
               [--preset veryfast] [--crf 23] [--lossless]

The timeline is cut wherever a video dump begins or ends; each cut is one ffmpeg command with one filter
graph (fps, scale, pad, xstack); the cuts are concatenated; all sound is mixed in one pass (adelay, amix).
Dumps in containers only, placed by their `started_at`.

With --plan (what `tessera plan SESSION --json` prints) its scenes and rectangles are shown instead of a
grid of our own, so that two recordings can be compared frame by frame; with --lossless such a recording is
the reference for that comparison. For its sake time is kept exactly: a tick shows the frame whose
interval covers it.

Prints one JSON line: session_s, cuts, cpu_s (user and system, of all commands), wall_s, peak_rss_mib.
"""
import argparse
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Optional

CONTAINERS = {".webm", ".mkv", ".mka", ".mp4", ".m4a", ".ogg", ".opus", ".ivf"}
CLOCK = 90000               # a second, in the filter graphs: divisible by milliseconds and by common rates
LEAD_MS = 1000              # how far before a cut we begin to read, to see the frame that reaches into it
SHORTEST_CUT = 2            # frames
AUDIO = ["-c:a", "aac", "-b:a", "128k"]


@dataclass(frozen=True)
class Clip:
    """A dump and when it is to be seen or heard, in milliseconds from the start of the session."""
    path: Path
    track: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Tile:
    """A clip in a rectangle; without a clip, an empty one."""
    clip: Optional[Clip]
    x: int
    y: int
    width: int
    height: int
    fit: str = "contain"


@dataclass(frozen=True)
class Cut:
    """Frames `first` up to but not including `last`, in which the same tiles are shown."""
    first: int
    last: int
    tiles: tuple


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    fps: int
    encoder: tuple
    background: str = "black"


# ------------------------------------------------------------------------------------------- reading

def wall_clock_ms(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def length_ms(path):
    """What its packets span; the header of a dump cannot be trusted."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time",
                            "-of", "json", str(path)], capture_output=True, text=True)
    if probe.returncode != 0:
        return 0
    packets = [p for p in json.loads(probe.stdout).get("packets", []) if "pts_time" in p]
    starts = [float(p["pts_time"]) for p in packets]
    ends = [start + float(p.get("duration_time", 0)) for start, p in zip(starts, packets)]
    return round(1000 * (max(ends) - min(starts))) if packets else 0


def read_clips(folder, manifest, zero):
    clips = []
    for track in manifest["tracks"]:
        for dump in track["dumps"]:
            path = folder / dump["uri"]
            if path.suffix not in CONTAINERS or not path.exists():
                continue
            start, length = wall_clock_ms(dump["started_at"]) - zero, length_ms(path)
            if length > 0:
                clips.append(Clip(path, track["id"], track["kind"], start, start + length))
    return clips


# ------------------------------------------------------------------------------------------- cutting

def ceil_frame(ms, fps):
    """The first tick not before a time."""
    return max(0, -(-ms * fps // 1000))


def span(clip, fps):
    return ceil_frame(clip.start, fps), ceil_frame(clip.end, fps)


def on_screen(clips, first, last, fps):
    """Those that are there in the middle of a cut; its edges may be a frame off."""
    middle = (first + last) // 2
    return [clip for clip in clips if span(clip, fps)[0] <= middle < span(clip, fps)[1]]


def grid(clips, picture):
    """As many columns as rows, or one more; every tile of one size, in the order of the manifest."""
    if not clips:
        return ()
    columns = math.ceil(math.sqrt(len(clips)))
    rows = math.ceil(len(clips) / columns)
    width, height = picture.width // columns // 2 * 2, picture.height // rows // 2 * 2
    return tuple(Tile(clip, i % columns * width, i // columns * height, width, height)
                 for i, clip in enumerate(clips))


def thin_out(edges):
    """Drops what is too close to the edge before, as nobody makes a command for a single frame."""
    kept = edges[:1]
    for edge in edges[1:]:
        if edge - kept[-1] >= SHORTEST_CUT:
            kept.append(edge)
    return [*kept[:-1], edges[-1]] if len(kept) > 1 else edges


def cut_by_presence(clips, picture, end):
    """A cut for each stretch in which the same people are seen."""
    edges = {0, ceil_frame(end, picture.fps)}
    for clip in clips:
        edges.update(span(clip, picture.fps))
    edges = thin_out(sorted(edges))
    return [Cut(first, last, grid(on_screen(clips, first, last, picture.fps), picture))
            for first, last in zip(edges, edges[1:])]


def plan_tile(tile, clips, first, last, fps):
    own = [clip for clip in clips if clip.track == tile.get("track_id")]
    shown = on_screen(own, first, last, fps)
    return Tile(shown[-1] if shown else None, tile["x"], tile["y"], tile["width"], tile["height"],
                tile.get("fit", "contain"))


def cut_by_plan(plan, clips, picture):
    """The plan's scenes, cut further where a tile's track goes on in another dump."""
    def frame(tick):
        return round(Fraction(tick * picture.fps, plan["ticks_per_second"]))

    cuts = []
    for scene in plan["scenes"]:
        first, last = frame(scene["start"]), frame(scene["end"])
        tracks = {tile.get("track_id") for tile in scene["tiles"]}
        inner = {edge for clip in clips if clip.track in tracks for edge in span(clip, picture.fps)}
        edges = [first, *sorted(edge for edge in inner if first < edge < last), last]
        for left, right in zip(edges, edges[1:]):
            tiles = tuple(plan_tile(tile, clips, left, right, picture.fps) for tile in scene["tiles"])
            cuts.append(Cut(left, right, tiles))
    return cuts


# ----------------------------------------------------------------------------------------- rendering

def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args)], check=True)


def fitting(tile):
    """The scale, and the pad or crop, that put any picture into a tile."""
    size = f"{tile.width}:{tile.height}"
    if tile.fit == "cover":
        return f"scale={size}:force_original_aspect_ratio=increase,crop={size}"
    return (f"scale={size}:force_original_aspect_ratio=decrease:force_divisible_by=2,"
            f"pad={size}:-1:-1:color={{background}}")


def tile_input(tile, cut, picture):
    """How a tile's dump is opened, and the chain that gives a frame on every tick of the cut.

    Seeking is to a whole millisecond, as the dump's own times are; what is left is shifted on a finer
    clock, so that no rounding moves a frame from one tick to the next.
    """
    background = picture.background
    if tile.clip is None:
        source = f"color={background}:s={tile.width}x{tile.height}:r={picture.fps}"
        return ["-f", "lavfi", "-i", source], "null"
    offset = cut.first * CLOCK // picture.fps - tile.clip.start * CLOCK // 1000
    seek = max(0, offset * 1000 // CLOCK - LEAD_MS)
    shift = seek * CLOCK // 1000 - offset
    limit = Fraction(cut.last - cut.first, picture.fps) + 2 * LEAD_MS // 1000
    chain = (f"settb=1/{CLOCK},setpts=PTS+{shift},fps={picture.fps}:round=up:start_time=0,"
             f"{fitting(tile).format(background=background)},setsar=1,tpad=stop_mode=clone:stop=-1")
    return ["-ss", f"{seek / 1000:.3f}", "-t", f"{float(limit):.3f}", "-i", tile.clip.path], chain


def arrange(tiles, picture):
    """Joins [t0], [t1], … into [v], each at its place on the canvas."""
    canvas = f"{picture.width}:{picture.height}"
    if len(tiles) == 1:
        return f"[t0]pad={canvas}:{tiles[0].x}:{tiles[0].y}:color={picture.background}[v]"
    places = "|".join(f"{tile.x}_{tile.y}" for tile in tiles)
    labels = "".join(f"[t{i}]" for i in range(len(tiles)))
    return (f"{labels}xstack=inputs={len(tiles)}:layout={places}:fill={picture.background}[x];"
            f"[x]pad={canvas}:0:0:color={picture.background}[v]")


def render_cut(cut, picture, out):
    tiles = cut.tiles or (Tile(None, 0, 0, picture.width, picture.height),)
    inputs, chains = [], []
    for i, tile in enumerate(tiles):
        opened, chain = tile_input(tile, cut, picture)
        inputs += opened
        chains.append(f"[{i}:v]{chain}[t{i}]")
    graph = ";".join([*chains, arrange(tiles, picture)])
    ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", "-frames:v", cut.last - cut.first,
           "-r", picture.fps, "-c:v", "libx264", *picture.encoder, "-g", 2 * picture.fps,
           "-pix_fmt", "yuv420p", out)


def sound_graph(clips):
    """Each clip silent until it is its turn, then all of them added up."""
    chains = [f"[{i}:a]aresample=48000:async=1,adelay={max(0, clip.start)}:all=1[a{i}]"
              for i, clip in enumerate(clips, 1)]
    labels = "".join(f"[a{i}]" for i in range(1, len(clips) + 1))
    return ";".join([*chains, f"{labels}amix=inputs={len(clips)}:normalize=0[a]"])


def join(parts, clips, out, folder):
    """Concatenates the cuts without touching them, and mixes the sound beside them."""
    listing = folder / "cuts.txt"
    listing.write_text("".join(f"file '{part.name}'\n" for part in parts))
    inputs, sound = ["-f", "concat", "-i", listing], []
    if clips:
        for clip in clips:
            inputs += ["-ss", f"{max(0, -clip.start) / 1000:.3f}", "-i", clip.path]
        sound = ["-filter_complex", sound_graph(clips), "-map", "[a]", *AUDIO]
    ffmpeg(*inputs, *sound, "-map", "0:v", "-c:v", "copy", "-movflags", "+faststart", out)


def compose(session, out, picture, plan):
    """Gives the session's length in milliseconds and the number of cuts."""
    manifest = json.loads((session / "session.json").read_text())
    zero = wall_clock_ms(plan["started_at"] if plan else manifest["session"]["started_at"])
    clips = read_clips(session, manifest, zero)
    if not clips:
        raise SystemExit(f"by_hand: {session}: no dump in a container that has packets")
    video = [clip for clip in clips if clip.kind == "video"]
    end = max(clip.end for clip in clips)
    cuts = cut_by_plan(plan, video, picture) if plan else cut_by_presence(video, picture, end)
    # The folder lies beside OUT, so that a finished file is moved there and never seen half written.
    with tempfile.TemporaryDirectory(prefix=".by_hand-", dir=out.parent) as name:
        folder = Path(name)
        parts = []
        for number, cut in enumerate(cuts):
            parts.append(folder / f"{number:05}.mp4")
            render_cut(cut, picture, parts[-1])
        join(parts, [clip for clip in clips if clip.kind == "audio"], folder / "whole.mp4", folder)
        os.replace(folder / "whole.mp4", out)
    return end, len(cuts)


# ------------------------------------------------------------------------------------------- running

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("session", type=Path, help="a folder with a session.json")
    parser.add_argument("out", type=Path)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--size", default="1280x720", help="ignored with --plan, which has a canvas")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--preset", default="veryfast")
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--lossless", action="store_true")
    args = parser.parse_args()
    if not 0 < args.fps <= 60 or CLOCK % args.fps:
        parser.error(f"--fps: {args.fps} does not divide {CLOCK}")
    return args


def picture_wanted(args, plan):
    width, height = map(int, args.size.split("x"))
    background = "black"
    if plan:
        width, height = plan["canvas"]["width"], plan["canvas"]["height"]
        background = plan["looks"][0]["background"].replace("#", "0x")
    quality = ("-preset", args.preset, "-crf", str(args.crf))
    return Picture(width, height, args.fps, ("-preset", "ultrafast", "-qp", "0") if args.lossless else quality,
                   background)


def main():
    args = arguments()
    # A polite end from outside is an exception like Ctrl-C, so that the folder is cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    plan = json.loads(args.plan.read_text()) if args.plan else None
    length, cuts = compose(args.session, args.out.absolute(), picture_wanted(args, plan), plan)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"session_s": length / 1000, "cuts": cuts,
                      "cpu_s": round(used.ru_utime + used.ru_stime, 2),
                      "wall_s": round(time.monotonic() - began, 2),
                      "peak_rss_mib": round(used.ru_maxrss / 1024)}))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"by_hand: ffmpeg failed ({error.returncode}) for {error.cmd[-1]}; its message is above")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"by_hand: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
