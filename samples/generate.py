#!/usr/bin/env python3
"""Makes the sample session `standup/`: a manifest, its dumps, and the ground truth about them.

The dumps stand in for what an SFU leaves behind after a meeting, with one difference: here
everything is known. Each camera is one flat colour and turns white for 100 ms at every whole
second of the wall clock; each microphone is silent and beeps in a tone of its own at the same
moments. A recording made from them can therefore be measured: the colour says who is shown,
the tone who is heard, and flashes against beeps whether everybody is in time.

Pictures and sound are computed from the wall clock, never from the position in a file, so that
dumps which begin at odd moments agree with each other. Nothing here reads a clock or a random
number: the same FFmpeg gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

T0 = datetime(2026, 11, 20, 10, 0, 0, tzinfo=timezone.utc)
SESSION_END = 25_000

# All times below are whole milliseconds of the wall clock after T0; a span is [begin, end).
Span = Tuple[int, int]
Rgb = Tuple[int, int, int]
Yuv = Tuple[int, int, int]

PULSE_PERIOD = 1_000
PULSE_LENGTH = 100
BEEP_AMPLITUDE = 0.25
BEEP_EDGE = 5
SAMPLE_RATE = 48_000

WHITE: Rgb = (255, 255, 255)
PAGE: Rgb = (225, 220, 205)
INK: Rgb = (70, 70, 80)


# ---------------------------------------------------------------- the story


@dataclass(frozen=True)
class Dump:
    """One file, whose container time zero is the wall-clock time `begin`."""

    file: str
    format: str
    begin: int
    end: int


@dataclass(frozen=True)
class Track:
    """What a peer published. `off` lists the stretches between track.muted and track.unmuted."""

    id: str
    stream_id: str
    kind: str
    source: str
    codec: str
    dumps: Tuple[Dump, ...]
    size: Tuple[int, int] = (0, 0)
    fps: int = 0
    off: Tuple[Span, ...] = ()

    def recorded(self) -> List[Span]:
        return [(dump.begin, dump.end) for dump in self.dumps]

    def live(self) -> List[Span]:
        """The stretches that a recording should show or let be heard."""
        return subtract(self.recorded(), self.off)


@dataclass(frozen=True)
class Peer:
    """A participant; `present` has one span for each time that they were in the room."""

    id: str
    name: str
    role: str
    colour: Rgb
    tone: int
    present: Tuple[Span, ...]
    camera: Track
    microphone: Track
    screen: Optional[Track] = None
    screen_colour: Rgb = (0, 0, 0)

    def tracks(self) -> List[Track]:
        return [t for t in (self.camera, self.microphone, self.screen) if t]


def camera(name: str, codec: str, size: Tuple[int, int], fps: int, *dumps: Dump,
           off: Tuple[Span, ...] = ()) -> Track:
    return Track(f"{name}-camera", f"{name}-main", "video", "camera", codec, dumps, size, fps, off)


def microphone(name: str, codec: str, *dumps: Dump, off: Tuple[Span, ...] = ()) -> Track:
    return Track(f"{name}-mic", f"{name}-main", "audio", "microphone", codec, dumps, off=off)


# The four tones are chosen so that no harmonic of one, nor any sum or difference that clipping
# would make of several, comes within 100 Hz of another.
PEERS = (
    Peer(
        "p1", "Asha", "host", (200, 40, 40), 600, ((0, 25_000),),
        camera("asha", "vp8", (640, 360), 25, Dump("asha-camera.webm", "webm", 0, 25_000)),
        microphone("asha", "opus", Dump("asha-mic.mka", "mkv", 0, 25_000)),
    ),
    Peer(
        "p2", "Bruno", "presenter", (40, 150, 60), 1_000, ((3_400, 21_000),),
        camera("bruno", "h264", (640, 360), 25, Dump("bruno-camera.mp4", "mp4", 3_400, 21_000)),
        microphone("bruno", "aac", Dump("bruno-mic.m4a", "mp4", 3_460, 21_000)),
        Track("bruno-screen", "bruno-screen", "video", "screen", "vp8",
              (Dump("bruno-screen.webm", "webm", 9_200, 17_200),), (1280, 720), 5),
        (150, 40, 160),
    ),
    Peer(
        "p3", "Chen", "participant", (40, 70, 200), 1_300, ((5_600, 25_000),),
        camera("chen", "vp9", (640, 480), 20, Dump("chen-camera.webm", "webm", 5_600, 25_000),
               off=((11_000, 15_000),)),
        microphone("chen", "opus", Dump("chen-mic.ogg", "ogg", 5_730, 25_000)),
    ),
    Peer(
        "p4", "Dalia", "participant", (230, 170, 30), 1_500, ((8_000, 13_000), (18_000, 25_000)),
        camera("dalia", "vp8", (480, 270), 15,
               Dump("dalia-camera-1.ivf", "ivf", 8_000, 13_000),
               Dump("dalia-camera-2.ivf", "ivf", 18_000, 25_000)),
        microphone("dalia", "opus",
                   Dump("dalia-mic-1.mka", "mkv", 8_000, 13_000),
                   Dump("dalia-mic-2.mka", "mkv", 18_000, 25_000),
                   off=((20_500, 22_500),)),
    ),
)


# ---------------------------------------------------------------- time


def subtract(spans: List[Span], holes: Tuple[Span, ...]) -> List[Span]:
    """`spans` without what lies in `holes`."""
    for hole_begin, hole_end in holes:
        pieces = []
        for begin, end in spans:
            pieces += [(begin, min(end, hole_begin)), (max(begin, hole_end), end)]
        spans = [(begin, end) for begin, end in pieces if begin < end]
    return spans


def pulses(spans: List[Span]) -> List[int]:
    """The whole seconds whose flash or beep lies wholly inside one of `spans`."""
    whole_seconds = range(0, SESSION_END, PULSE_PERIOD)
    return [s // 1000 for s in whole_seconds
            if any(begin <= s and s + PULSE_LENGTH <= end for begin, end in spans)]


def is_white(wall: Fraction) -> bool:
    return wall % PULSE_PERIOD < PULSE_LENGTH


def frame_numbers(track: Track, dump: Dump) -> List[int]:
    """The ticks of the frame grid that `dump` holds: a camera that is off sends no frames."""
    ticks = range((dump.end - dump.begin) * track.fps // 1000)
    return [n for n in ticks
            if not any(begin <= wall_of(n, track, dump) < end for begin, end in track.off)]


def wall_of(n: int, track: Track, dump: Dump) -> Fraction:
    """Exact, because 15 frames a second do not fall on whole milliseconds."""
    return dump.begin + Fraction(1000 * n, track.fps)


# ---------------------------------------------------------------- pictures


def yuv_of(rgb: Rgb) -> Yuv:
    """BT.601, limited range: what WebRTC cameras send, and what untagged video is taken for."""
    r, g, b = (channel / 255 for channel in rgb)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return (round(16 + 219 * luma),
            round(128 + 224 * (b - luma) / 1.772),
            round(128 + 224 * (r - luma) / 1.402))


def darker(rgb: Rgb) -> Rgb:
    r, g, b = (channel * 7 // 10 for channel in rgb)
    return r, g, b


# A picture is a list of rows, each a list of (colour, width) runs; rows and widths are counted in
# chroma samples, so that no edge ever falls inside a 2x2 block and the colours stay exact.
Run = Tuple[Yuv, int]
Row = Tuple[Run, ...]


def pack(rows: List[Row]) -> bytes:
    """The picture as raw yuv420p."""
    def line(row: Row, plane: int, scale: int) -> bytes:
        return b"".join(bytes((colour[plane],)) * (width * scale) for colour, width in row)

    luma = b"".join(line(row, 0, 2) * 2 for row in rows)
    return luma + b"".join(line(row, 1, 1) for row in rows) + b"".join(line(row, 2, 1) for row in rows)


def flat(colour: Rgb, size: Tuple[int, int]) -> List[Row]:
    width, height = size
    return [((yuv_of(colour), width // 2),)] * (height // 2)


def camera_picture(colour: Rgb, size: Tuple[int, int], wall: Fraction) -> bytes:
    """White during a pulse; else the peer's colour with a darker disc that swings left and right.

    The disc is there so that the frames in between have something to code. It stays in the middle
    half of the height and covers less than a tenth of the picture.
    """
    if is_white(wall):
        return pack(flat(WHITE, size))
    width, height = size[0] // 2, size[1] // 2
    radius = height // 6
    centre = swing(wall, radius + width // 8, width - radius - width // 8)
    ground, shade = yuv_of(colour), yuv_of(darker(colour))
    rows = flat(colour, size)
    for dy in range(-radius, radius):
        half = math.isqrt(radius * radius - dy * dy)
        rows[height // 2 + dy] = ((ground, centre - half), (shade, 2 * half), (ground, width - centre - half))
    return pack(rows)


def swing(wall: Fraction, low: int, high: int, period: int = 4_000) -> int:
    """A triangle wave between `low` and `high`."""
    phase = wall % period / Fraction(period)
    return low + int((high - low) * (1 - abs(2 * phase - 1)))


def screen_picture(colour: Rgb, size: Tuple[int, int], wall: Fraction) -> bytes:
    """A page of dark lines between margins in `colour`; each second the next line lights up."""
    width, height = size[0] // 2, size[1] // 2
    edge, ink, lit, page = yuv_of(colour), yuv_of(INK), yuv_of(darker(colour)), yuv_of(PAGE)
    margin, inset, line_height, pitch, lines = 40, 20, 12, 24, 11
    paper = width - 2 * margin
    rows: List[Row] = [((edge, width),)] * height
    for y in range(margin, height - margin):
        rows[y] = ((edge, margin), (page, paper), (edge, margin))
    current = int(wall // 1000) % lines
    for n in range(lines):
        length = paper // 2 + n * 97 % (paper // 2 - 2 * inset)
        top = margin + inset // 2 + n * pitch
        bar = ((edge, margin), (page, inset), (lit if n == current else ink, length),
               (page, paper - inset - length), (edge, margin))
        rows[top:top + line_height] = [bar] * line_height
    return pack(rows)


def frames(peer: Peer, track: Track, dump: Dump) -> Iterator[bytes]:
    for n in frame_numbers(track, dump):
        wall = wall_of(n, track, dump)
        if track.source == "screen":
            yield screen_picture(peer.screen_colour, track.size, wall)
        else:
            yield camera_picture(peer.colour, track.size, wall)


# ---------------------------------------------------------------- sound


def samples(ms: int) -> int:
    return ms * SAMPLE_RATE // 1000


def beep(tone: int) -> bytes:
    """One beep as signed 16-bit samples, with soft edges so that it does not click."""
    count, edge = samples(PULSE_LENGTH), samples(BEEP_EDGE)

    def sample(n: int) -> int:
        nearest_end = min(n, count - 1 - n)
        gain = 0.5 - 0.5 * math.cos(math.pi * min(nearest_end, edge) / edge)
        return round(32767 * BEEP_AMPLITUDE * gain * math.sin(2 * math.pi * tone * n / SAMPLE_RATE))

    return struct.pack(f"<{count}h", *map(sample, range(count)))


def sound(tone: int, dump: Dump) -> bytes:
    """Digital silence with a beep at every whole second of the wall clock."""
    pcm = bytearray(2 * samples(dump.end - dump.begin))
    one = beep(tone)
    first = -(-dump.begin // PULSE_PERIOD) * PULSE_PERIOD
    for second in range(first, dump.end - PULSE_LENGTH + 1, PULSE_PERIOD):
        at = 2 * samples(second - dump.begin)
        pcm[at:at + len(one)] = one
    return bytes(pcm)


# ---------------------------------------------------------------- files

# The VPx codecs are set as a live encoder would be: no look-ahead, no hidden frames, and never a
# keyframe that nobody asked for (a minimum distance equal to the maximum forbids them). Two settings
# matter more than they look: a negative -cpu-used is a fixed speed where a positive one lets libvpx
# watch the clock, and with a target bitrate VP9 would make each flash a keyframe.
LIVE = ["-g", "99999", "-keyint_min", "99999", "-deadline", "realtime", "-lag-in-frames", "0"]
ENCODERS: Dict[str, List[str]] = {
    "vp8": ["libvpx", *LIVE, "-auto-alt-ref", "0", "-cpu-used", "-4",
            "-b:v", "1M", "-qmin", "4", "-qmax", "12"],
    "vp9": ["libvpx-vp9", *LIVE, "-row-mt", "0", "-cpu-used", "6", "-b:v", "0", "-crf", "12"],
    "h264": ["libx264", "-profile:v", "baseline", "-preset", "veryfast", "-tune", "zerolatency",
             "-bf", "0", "-g", "125", "-sc_threshold", "0", "-crf", "18"],
    "opus": ["libopus", "-b:a", "32k", "-vbr", "on", "-frame_duration", "20", "-application", "audio"],
    "aac": ["aac", "-b:a", "64k"],
}
MUXERS = {"webm": "webm", "mkv": "matroska", "ogg": "ogg", "ivf": "ivf", "mp4": "mp4"}
BIT_EXACT = ["-fflags", "+bitexact", "-flags", "+bitexact", "-map_metadata", "-1", "-threads", "1"]


class Failure(Exception):
    """Something that the person at the keyboard can put right."""


def check_encoders(ffmpeg: str) -> None:
    if not shutil.which(ffmpeg):
        raise Failure(f"cannot find the command '{ffmpeg}': install FFmpeg, or name it with --ffmpeg")
    listing = subprocess.run([ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, check=False)
    known = {words[1] for words in map(str.split, listing.stdout.splitlines()) if len(words) > 1}
    missing = sorted({options[0] for options in ENCODERS.values()} - known)
    if missing:
        raise Failure(f"this '{ffmpeg}' was built without the encoder(s) {', '.join(missing)}")


def video_input(track: Track, dump: Dump) -> List[str]:
    width, height = track.size
    return ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}",
            "-framerate", str(track.fps), "-i", "pipe:0", *frame_times(track, dump)]


def frame_times(track: Track, dump: Dump) -> List[str]:
    """Leaves the gap of a camera that was off in the timestamps, and a keyframe at its end."""
    options = ["-fps_mode", "passthrough"]
    numbers = frame_numbers(track, dump)
    gaps = [(n, after) for n, after in enumerate(numbers) if n and after != numbers[n - 1] + 1]
    if gaps:
        skipped = "+".join(f"gte(N,{n})*{after - numbers[n - 1] - 1}" for n, after in gaps)
        restarts = ",".join(str(after / track.fps) for _, after in gaps)
        options += ["-vf", f"setpts='N+{skipped}'", "-force_key_frames", restarts]
    return options


def write_dump(ffmpeg: str, peer: Peer, track: Track, dump: Dump, folder: Path) -> None:
    """Pipes the raw media of one dump through FFmpeg into its container."""
    if track.kind == "video":
        source, media = video_input(track, dump), frames(peer, track, dump)
    else:
        source = ["-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", "pipe:0"]
        media = iter([sound(peer.tone, dump)])
    command = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *source,
               "-c:v" if track.kind == "video" else "-c:a", *ENCODERS[track.codec],
               *BIT_EXACT, "-f", MUXERS[dump.format], str(folder / dump.file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin
    try:
        for piece in media:
            process.stdin.write(piece)
        process.stdin.close()
    except BrokenPipeError:
        pass  # ffmpeg gave up and has said why; its exit code tells us below
    if process.wait() != 0:
        raise Failure(f"ffmpeg could not write {dump.file} (exit code {process.returncode})")


# ---------------------------------------------------------------- manifest and truth


def stamp(ms: int) -> str:
    return (T0 + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def manifest() -> dict:
    return {
        "version": 1,
        "session": {"id": "ses-standup", "room_id": "room-standup", "room_name": "standup",
                    "template_id": "tpl-sample", "app_id": "app-sample", "account_id": "acc-sample",
                    "started_at": stamp(0), "ended_at": stamp(SESSION_END)},
        "peers": [{"id": peer.id, "user_id": "u" + peer.id[1:], "name": peer.name, "role": peer.role,
                   "joined_at": stamp(peer.present[0][0]), "left_at": stamp(peer.present[-1][1])}
                  for peer in PEERS],
        "tracks": [manifest_track(peer, track) for peer in PEERS for track in peer.tracks()],
        "events": events(),
        "recording": [{"started_at": stamp(0), "stopped_at": stamp(SESSION_END)}],
    }


def manifest_track(peer: Peer, track: Track) -> dict:
    return {
        "id": track.id, "stream_id": track.stream_id, "peer_id": peer.id,
        "kind": track.kind, "source": track.source, "codec": track.codec,
        "dumps": [{"uri": f"tracks/{dump.file}", "format": dump.format,
                   "started_at": stamp(dump.begin), "ended_at": stamp(dump.end)}
                  for dump in track.dumps],
    }


def events() -> List[dict]:
    """In order of time. Whoever stays to the end has no peer.left: session.ended says it."""
    happened: List[Tuple[int, dict]] = []
    for peer in PEERS:
        for joined, left in peer.present:
            happened.append((joined, {"type": "peer.joined", "peer_id": peer.id}))
            if left < SESSION_END:
                happened.append((left, {"type": "peer.left", "peer_id": peer.id}))
        for track in peer.tracks():
            for muted, unmuted in track.off:
                happened.append((muted, {"type": "track.muted", "track_id": track.id}))
                happened.append((unmuted, {"type": "track.unmuted", "track_id": track.id}))
    happened.append((SESSION_END, {"type": "session.ended"}))
    return [{"at": stamp(at), **event} for at, event in sorted(happened, key=lambda pair: pair[0])]


def truth() -> dict:
    """What a recording of the session must show, in seconds after T0."""
    return {
        "t0": stamp(0),
        "duration_s": seconds(SESSION_END),
        "colour_space": "BT.601, limited range, not tagged in the files",
        "pulse": {"period_s": seconds(PULSE_PERIOD), "length_s": seconds(PULSE_LENGTH), "flash_rgb": WHITE,
                  "beep_amplitude": BEEP_AMPLITUDE, "beep_edge_s": seconds(BEEP_EDGE)},
        "peers": [true_peer(peer) for peer in PEERS],
    }


def true_peer(peer: Peer) -> dict:
    facts = {
        "id": peer.id, "name": peer.name, "role": peer.role,
        "colour_rgb": peer.colour, "colour_yuv": yuv_of(peer.colour), "tone_hz": peer.tone,
        "present_spans": in_seconds(list(peer.present)),
        "camera": {**true_video(peer.camera), "flashes_at": pulses(peer.camera.live())},
        "microphone": {"track_id": peer.microphone.id,
                       "recorded_spans": in_seconds(peer.microphone.recorded()),
                       "audible_spans": in_seconds(peer.microphone.live()),
                       "beeps_at": pulses(peer.microphone.live())},
        "screen": None,
    }
    if peer.screen:
        facts["screen"] = {**true_video(peer.screen), "margin_rgb": peer.screen_colour,
                           "margin_yuv": yuv_of(peer.screen_colour), "page_rgb": PAGE}
    return facts


def true_video(track: Track) -> dict:
    return {"track_id": track.id, "width": track.size[0], "height": track.size[1], "fps": track.fps,
            "frames": [len(frame_numbers(track, dump)) for dump in track.dumps],
            "spans": in_seconds(track.live())}


def seconds(ms: int) -> float:
    return ms / 1000


def in_seconds(spans: List[Span]) -> List[List[float]]:
    return [[seconds(begin), seconds(end)] for begin, end in spans]


def to_json(value: object, indent: str = "") -> str:
    """JSON in which whatever fits on a line stays on one: spans and colours are read as such."""
    line = json.dumps(value)
    if len(indent) + len(line) <= 100 or not isinstance(value, (dict, list, tuple)):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        items, brackets = [f"{json.dumps(key)}: {to_json(item, inner)}" for key, item in value.items()], "{}"
    else:
        items, brackets = [to_json(item, inner) for item in value], "[]"
    body = ",\n".join(inner + item for item in items)
    return f"{brackets[0]}\n{body}\n{indent}{brackets[1]}"


# ---------------------------------------------------------------- command line


def generate(ffmpeg: str, out: Path) -> None:
    check_encoders(ffmpeg)
    tracks = out / "tracks"
    tracks.mkdir(parents=True, exist_ok=True)
    for peer in PEERS:
        for track in peer.tracks():
            for dump in track.dumps:
                write_dump(ffmpeg, peer, track, dump, tracks)
                print(f"{dump.file:20} {(tracks / dump.file).stat().st_size:8} bytes")
    (out / "session.json").write_text(to_json(manifest()) + "\n", encoding="utf-8")
    (out / "truth.json").write_text(to_json(truth()) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Make the sample session: session.json, truth.json and the dumps in tracks/.",
        epilog="Running it twice gives the same bytes. Another version of FFmpeg may give other bytes, "
               "with the same pictures, sound and times in them. Takes a few seconds.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "standup", metavar="DIR",
                        help="folder to write, made if need be; files in it are replaced "
                             "(default: standup, beside this script)")
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="COMMAND",
                        help="the FFmpeg to use, 5.1 or later, with libvpx, libx264 and libopus (default: ffmpeg)")
    options = parser.parse_args()
    try:
        generate(options.ffmpeg, options.out)
    except (Failure, OSError) as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
