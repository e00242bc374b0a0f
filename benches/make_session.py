#!/usr/bin/env python3
"""Makes a benchmark session: synthetic people and a screen, recorded as an SFU would dump them.

    make_session.py KIND OUT [--minutes M] [--seed N]

KIND     who is there
small    4 peers, 640x360 at 25/s, all of them from start to end
large    16 peers, 320x180 at 15/s, each comes and goes twice: about 60 joins and leaves
webinar  30 peers with sound: one shares a screen (1280x720 at 5/s), one is seen speaking
         (640x360 at 25/s), 28 listen
audio    6 peers with sound only

What makes these dumps cost what real ones cost: VP8 with a single keyframe at its start, so that nobody
can seek; 350 to 500 kbit/s; pictures of a textured room with sensor noise in which a person sways, nods and
talks. A few streams are encoded once and shared by many peers, because decoding does not get cheaper for
being done to the same file. The same arguments give the same streams on the same ffmpeg.

Needs ffmpeg with libvpx and libopus, and nothing beyond Python's standard library.
"""
import argparse
import array
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

KINDS = ("small", "large", "webinar", "audio")
STARTED_AT = datetime(2026, 11, 20, 10, 0, 0, tzinfo=timezone.utc)
LOOP_SECONDS = 16           # every motion below has a period that divides this, so the loop has no seam
DISTINCT = 4                # how many different faces and voices there are


# ---------------------------------------------------------------------------------------------- stills

def clamp(value, low=0.0, high=1.0):
    return low if value < low else high if value > high else value


def grain(rng, width, height, cell):
    """Smooth random texture in -1..1, one value a pixel: paint and cloth are never of one colour."""
    columns, rows = width // cell + 2, height // cell + 2
    knots = [[rng.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)]
    texture = []
    for y in range(height):
        row, down = divmod(y / cell, 1)
        above, below = knots[int(row)], knots[int(row) + 1]
        blend = [a + (b - a) * down for a, b in zip(above, below)]
        texture.append([blend[x // cell] + (blend[x // cell + 1] - blend[x // cell]) * (x % cell / cell)
                        for x in range(width)])
    return texture


def write_rgba(path, width, height, pixel):
    """A PAM picture, `pixel(x, y)` giving red, green, blue and alpha in 0..1."""
    data = bytearray()
    for y in range(height):
        for x in range(width):
            data.extend(int(255 * clamp(c)) for c in pixel(x, y))
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    path.write_bytes(header.encode() + bytes(data))


def ellipse(x, y, cx, cy, rx, ry):
    """Above 0 inside, 1 at the middle."""
    return 1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2


def paint_room(path, rng):
    """A wall lit from one side, with a shelf of books: mostly smooth, some of it sharp."""
    width, height = 640, 360
    tint = [rng.uniform(0.55, 0.85) for _ in range(3)]
    rough, uneven = grain(rng, width, height, 3), grain(rng, width, height, 60)
    left = rng.choice([20, 440])
    top = rng.randint(30, 70)
    books = [[rng.uniform(0.2, 0.6) for _ in range(3)] for _ in range(64)]

    def pixel(x, y):
        light = 0.7 + 0.35 * x / width - 0.15 * y / height
        texture = 0.025 * rough[y][x] + 0.06 * uneven[y][x]
        colour = tint
        if left <= x < left + 176 and top <= y < top + 180:
            column, row = (x - left) // 11, (y - top) // 45
            gap = (x - left) % 11 == 0 or (y - top) % 45 < 6 + column % 4
            colour = (0.15, 0.12, 0.1) if gap else books[column + 16 * row]
        return [c * light + texture for c in colour] + [1]

    write_rgba(path, width, height, pixel)


def paint_body(path, rng):
    """Neck and shoulders in a woven shirt."""
    width, height = 400, 200
    cloth = [rng.uniform(0.1, 0.6) for _ in range(3)]
    weave, folds = grain(rng, width, height, 2), grain(rng, width, height, 24)

    def pixel(x, y):
        trunk = ellipse(x, y, 200, 210, 190, 165)
        neck = ellipse(x, y, 200, 30, 44, 80)
        shade = 0.75 + 0.35 * (200 - x) / 200
        if trunk > neck:
            texture = 0.08 * weave[y][x] + 0.12 * folds[y][x]
            return [c * shade + texture for c in cloth] + [trunk * 14]
        return [c * shade * 0.8 for c in (0.85, 0.62, 0.5)] + [neck * 6]

    write_rgba(path, width, height, pixel)


def paint_head(path, rng):
    """A face under hair, shaded as by a window; the mouth comes on top of it later, as it moves."""
    width, height = 180, 230
    tan, dye = rng.uniform(0.65, 1.0), rng.uniform(0.5, 2.0)
    skin, hair = [c * tan for c in (0.92, 0.7, 0.58)], [c * dye for c in (0.28, 0.18, 0.12)]
    pores, strands = grain(rng, width, height, 2), grain(rng, width, height, 3)

    def pixel(x, y):
        face = ellipse(x, y, 90, 120, 66, 90)
        mop = ellipse(x, y, 90, 95, 82, 88)
        if face <= 0.02 or y < 62 + 10 * math.sin(x / 17):
            return [c + 0.12 * strands[y][x % 9 + 9 * (x // 40)] for c in hair] + [mop * 10]
        shade = 0.62 + 0.45 * math.sqrt(clamp(face)) - 0.2 * (x - 90) / 66
        texture = 0.04 * pores[y][x]
        for eye in (62, 118):
            if ellipse(x, y, eye, 108, 14, 7) > 0:
                dark = ellipse(x, y, eye, 108, 6, 6) > 0
                return [0.12] * 3 + [1] if dark else [0.9] * 3 + [1]
            if ellipse(x, y, eye, 92, 19, 5) > 0:
                return [c + texture for c in hair] + [1]
        nose = 0.15 * clamp(ellipse(x, y, 97, 135, 12, 28))
        return [c * (shade - nose) + texture for c in skin] + [face * 12]

    write_rgba(path, width, height, pixel)


def paint_mouth(path):
    def pixel(x, y):
        inside = ellipse(x, y, 22, 12, 22, 12)
        lips = inside < 0.4
        return [0.62 if lips else 0.2, 0.25 if lips else 0.08, 0.24 if lips else 0.08, inside * 6]

    write_rgba(path, 44, 24, pixel)


class Page:
    """An RGB picture that is cheap to fill with rectangles, for text and charts."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.data = bytearray(b"\xff" * (3 * width * height))

    def fill(self, x, y, width, height, colour):
        stripe = bytes(colour) * width
        for row in range(y, y + height):
            at = 3 * (row * self.width + x)
            self.data[at:at + len(stripe)] = stripe

    def write(self, path):
        path.write_bytes(f"P6\n{self.width} {self.height}\n255\n".encode() + bytes(self.data))


def write_line(page, rng, alphabet, x, y, right, size):
    """Words of random 5x7 letters: to an encoder, sharp small strokes are what text is."""
    while True:
        word = [rng.choice(alphabet) for _ in range(rng.randint(2, 9))]
        if x + len(word) * 6 * size > right:
            return
        for letter in word:
            for dot in range(35):
                if letter >> dot & 1:
                    page.fill(x + dot % 5 * size, y + dot // 5 * size, size, size, (30, 30, 36))
            x += 6 * size
        x += 4 * size


def paint_document(path, rng):
    """Five screens of headings, paragraphs and charts, one below the other."""
    page = Page(1280, 5 * 720)
    alphabet = [rng.getrandbits(35) & rng.getrandbits(35) | 0x1F << 5 * rng.randrange(7) for _ in range(26)]
    for screen in range(5):
        top = 720 * screen
        write_line(page, rng, alphabet, 60, top + 40, 900, 5)
        for line in range(24):
            if line % 6 != 5:
                write_line(page, rng, alphabet, 60, top + 120 + 24 * line, rng.randint(500, 800), 2)
        for bar in range(8):
            tall = rng.randint(60, 420)
            colour = [rng.randint(30, 230) for _ in range(3)]
            page.fill(860 + 45 * bar, top + 640 - tall, 36, tall, colour)
    page.write(path)


def paint_pointer(path):
    page = Page(14, 20)
    page.fill(0, 0, 14, 20, (20, 20, 20))
    page.fill(2, 2, 10, 16, (250, 200, 40))
    page.write(path)


# --------------------------------------------------------------------------------------------- streams

def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args)], check=True)


def still(path, fps):
    return ["-loop", "1", "-framerate", fps, "-t", LOOP_SECONDS, "-i", path]


def swing(size, turns, phase=0.0):
    """An ffmpeg expression that sways by `size`, a whole number of `turns` in a loop."""
    return f"{size}*sin(2*PI*t*{turns}/{LOOP_SECONDS}+{phase:.3f})"


def vp8(out, inputs, graph, fps, seconds, rate):
    """Renders one loop, repeats it from memory, and encodes it as a live stream with one keyframe.

    A negative cpu-used is a fixed speed; with a positive one libvpx picks its speed by the clock, and no
    two runs make the same file.
    """
    graph += f",format=yuv420p,loop=loop=-1:size={fps * LOOP_SECONDS}:start=0[v]"
    ffmpeg(*inputs, "-filter_complex_threads", 1, "-filter_complex", graph, "-map", "[v]", "-t", f"{seconds:.3f}",
           "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", -8, "-threads", 1, "-b:v", rate,
           "-g", 999999, "-keyint_min", 999999, "-error-resilient", 1, "-lag-in-frames", 0,
           "-flags", "+bitexact", "-fflags", "+bitexact", out)


def record_face(out, rng, size, fps, seconds, rate):
    """A person at a desk: body and head sway, the head nods, the mouth speaks, the light changes slowly."""
    with tempfile.TemporaryDirectory() as folder:
        room, body, head, mouth = (Path(folder) / f"{part}.pam" for part in ("room", "body", "head", "mouth"))
        paint_room(room, rng)
        paint_body(body, rng)
        paint_head(head, rng)
        paint_mouth(mouth)
        phase = rng.uniform(0, 6)
        at_x, at_y = rng.randint(200, 260), rng.randint(40, 60)
        sway_x = f"{swing(14, 1, phase)}+{swing(5, 5, phase)}"
        sway_y = swing(6, 3, phase)
        syllables = f"abs({swing(18, rng.randint(25, 35))})"
        open_mouth = f"4+{syllables}*gt({swing(1, 2)},-0.3)"
        graph = (
            f"[3]scale=w=44:h='{open_mouth}':eval=frame[mouth];"
            f"[2][mouth]overlay=format=rgb:x=70:y='178-h/2',rotate=a='{swing(0.07, 2, phase)}':c=none[head];"
            f"[1]rotate=a='{swing(0.015, 1, phase)}':c=none[body];"
            f"[0][body]overlay=format=rgb:x='{at_x - 110}+({sway_x})/3':y=175[seated];"
            f"[seated][head]overlay=format=rgb:x='{at_x}+{sway_x}':y='{at_y}+{sway_y}',"
            f"format=yuv420p,eq=brightness='{swing(0.015, 1)}':eval=frame,"
            f"noise=all_seed={rng.randrange(1 << 20)}:c0s=4:c1s=2:c2s=2:allf=t,"
            f"scale={size.replace('x', ':')}"
        )
        inputs = [arg for part in (room, body, head, mouth) for arg in still(part, fps)]
        vp8(out, inputs, graph, fps, seconds, rate)


def record_screen(out, rng, fps, seconds):
    """Someone reads a document out: it scrolls on every few seconds, and the pointer wanders."""
    with tempfile.TemporaryDirectory() as folder:
        document, pointer = Path(folder) / "document.ppm", Path(folder) / "pointer.ppm"
        paint_document(document, rng)
        paint_pointer(pointer)
        scroll = "720*(floor(t/4)+clip(mod(t,4)-3.2,0,0.8)/0.8)*lt(t,15.2)"
        graph = (f"[0]crop=1280:720:0:'{scroll}'[page];"
                 f"[page][1]overlay=format=rgb:x='600+{swing(400, 3)}':y='360+{swing(240, 2)}'")
        vp8(out, still(document, fps) + still(pointer, fps), graph, fps, seconds, "500k")


def one_wave(vowel, samples=256):
    """One period of a voice: harmonics that are loudest where this vowel's two formants are."""
    low, high = vowel
    loud = [1 / (1 + ((k - low) / 1.5) ** 2) + 0.5 / (1 + ((k - high) / 2) ** 2) for k in range(1, 24)]
    period = [sum(level * math.sin(2 * math.pi * k * i / samples) for k, level in enumerate(loud, 1))
              for i in range(samples)]
    peak = max(map(abs, period))
    return [value / peak for value in period]


def speak(rng, pitch, rate):
    """A loop's worth of babble: phrases of syllables with pauses between, over the hiss of a quiet room."""
    waves = [one_wave(vowel) for vowel in ((5, 9), (3, 15), (2, 17), (4, 7))]
    sound = [rng.gauss(0, 0.002) for _ in range(LOOP_SECONDS * rate)]
    at, turn = int(rng.uniform(0.1, 1.0) * rate), 0.0
    while at < len(sound) - rate:
        for _ in range(rng.randint(4, 10)):
            length = int(rng.uniform(0.09, 0.25) * rate)
            tone, hissing = rng.choice(waves), rng.random() < 0.25
            start_pitch = pitch * rng.uniform(0.9, 1.2)
            for i in range(min(length, len(sound) - at)):
                envelope = 0.25 * math.sin(math.pi * i / length)
                turn += start_pitch * (1 - 0.15 * i / length) / rate
                value = rng.uniform(-0.3, 0.3) if hissing else tone[int(turn * 256) % 256]
                sound[at + i] += envelope * value
            at += length + int(rng.uniform(0.01, 0.06) * rate)
        at += int(rng.uniform(0.4, 1.8) * rate)
    return array.array("h", (int(32767 * clamp(value, -1, 1)) for value in sound))


def record_voice(out, rng, pitch, seconds):
    rate = 16000
    with tempfile.TemporaryDirectory() as folder:
        loop = Path(folder) / "voice.wav"
        samples = speak(rng, pitch, rate)
        if sys.byteorder == "big":
            samples.byteswap()
        with wave.open(str(loop), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
        ffmpeg("-stream_loop", -1, "-i", loop, "-t", f"{seconds:.3f}", "-ar", 48000, "-c:a", "libopus",
               "-b:a", "32k", "-flags", "+bitexact", "-fflags", "+bitexact", out)


class Studio:
    """Hands out file names at once, and records each file once, on all cores, when all are known."""

    def __init__(self, folder, seed):
        self.folder, self.seed, self.bookings = folder, seed, {}

    def face(self, who, size, fps, seconds, rate):
        who %= DISTINCT
        return self._book(f"face{who}-{seconds:g}s.webm",
                          lambda out, rng: record_face(out, rng, size, fps, seconds, rate))

    def screen(self, fps, seconds):
        return self._book(f"screen-{seconds:g}s.webm", lambda out, rng: record_screen(out, rng, fps, seconds))

    def voice(self, who, seconds):
        who %= DISTINCT
        pitch = (105, 128, 185, 215)[who]
        return self._book(f"voice{who}-{seconds:g}s.mka", lambda out, rng: record_voice(out, rng, pitch, seconds))

    def _book(self, name, record):
        self.bookings[name] = record
        return name

    def record_all(self):
        self.folder.mkdir(parents=True, exist_ok=True)

        def record(name):
            # A seed from the name's head, so that a voice is the same one however long it speaks.
            self.bookings[name](self.folder / name, random.Random(f"{self.seed} {name.split('-')[0]}"))

        with ThreadPoolExecutor(os.cpu_count()) as cores:
            list(cores.map(record, self.bookings))


# -------------------------------------------------------------------------------------------- sessions

def wall_clock(seconds):
    return (STARTED_AT + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Guests:
    """Collects what goes into session.json."""

    def __init__(self):
        self.peers, self.tracks, self.events = [], [], []

    def join(self, role, spans):
        """A peer who is there during `spans` (pairs of seconds); gives its id."""
        peer = f"peer{len(self.peers) + 1:02}"
        self.peers.append({"id": peer, "user_id": f"user-{peer}", "name": peer.title(), "role": role,
                           "joined_at": wall_clock(spans[0][0]), "left_at": wall_clock(spans[-1][1])})
        for joined, left in spans:
            self.events.append({"at": wall_clock(joined), "type": "peer.joined", "peer_id": peer})
            self.events.append({"at": wall_clock(left), "type": "peer.left", "peer_id": peer})
        return peer

    def publish(self, peer, source, file, spans):
        """A track of one dump for each span, all of them the same file."""
        sound = source == "microphone"
        dumps = [{"uri": f"tracks/{file}", "format": "mkv" if sound else "webm",
                  "started_at": wall_clock(start), "ended_at": wall_clock(end)} for start, end in spans]
        stream = f"{peer}-screen" if source == "screen" else f"{peer}-main"
        self.tracks.append({"id": f"{peer}-{source}", "stream_id": stream, "peer_id": peer,
                            "kind": "audio" if sound else "video", "source": source,
                            "codec": "opus" if sound else "vp8", "dumps": dumps})

    def manifest(self, kind, seconds):
        session = {"id": f"bench-{kind}", "room_id": "bench", "room_name": kind, "template_id": "bench",
                   "app_id": "bench", "account_id": "bench",
                   "started_at": wall_clock(0), "ended_at": wall_clock(seconds)}
        return {"version": 1, "session": session, "peers": self.peers, "tracks": self.tracks,
                "events": sorted(self.events, key=lambda event: event["at"])}


def small(guests, studio, seconds, rng):
    for who in range(4):
        spans = [(0, seconds)]
        peer = guests.join("participant", spans)
        guests.publish(peer, "camera", studio.face(who, "640x360", 25, seconds, "500k"), spans)
        guests.publish(peer, "microphone", studio.voice(who, seconds), spans)


def large(guests, studio, seconds, rng):
    """Two visits of one length each, so that few streams serve all; only their times differ."""
    visit = round(0.42 * seconds, 3)
    for who in range(16):
        first = round(rng.uniform(0, 0.06) * seconds, 3)
        second = round(first + visit + rng.uniform(0.02, 0.09) * seconds, 3)
        spans = [(first, first + visit), (second, second + visit)]
        peer = guests.join("participant", spans)
        guests.publish(peer, "camera", studio.face(who, "320x180", 15, visit, "350k"), spans)
        guests.publish(peer, "microphone", studio.voice(who, visit), spans)


def webinar(guests, studio, seconds, rng):
    """Listeners come in over the first two seconds, so that those who share a voice do not speak in chorus."""
    whole = [(0, seconds)]
    speaker = guests.join("host", whole)
    guests.publish(speaker, "camera", studio.face(0, "640x360", 25, seconds, "500k"), whole)
    guests.publish(speaker, "microphone", studio.voice(0, seconds), whole)
    presenter = guests.join("presenter", whole)
    guests.publish(presenter, "screen", studio.screen(5, seconds), whole)
    guests.publish(presenter, "microphone", studio.voice(1, seconds), whole)
    for who in range(28):
        late = round(rng.uniform(0, 2), 3)
        spans = [(late, late + seconds - 2)]
        peer = guests.join("viewer", spans)
        guests.publish(peer, "microphone", studio.voice(who, seconds - 2), spans)


def audio(guests, studio, seconds, rng):
    for who in range(6):
        spans = [(0.5 * who, 0.5 * who + seconds - 3)]
        peer = guests.join("participant", spans)
        guests.publish(peer, "microphone", studio.voice(who, seconds - 3), spans)


def make(kind, out, minutes, seed):
    """The manifest is written last: a folder that has one is complete."""
    seconds = round(60 * minutes, 3)
    manifest = out / "session.json"
    manifest.unlink(missing_ok=True)
    guests, studio = Guests(), Studio(out / "tracks", seed)
    {"small": small, "large": large, "webinar": webinar, "audio": audio}[kind](
        guests, studio, seconds, random.Random(seed))
    studio.record_all()
    manifest.write_text(json.dumps(guests.manifest(kind, seconds), indent=1) + "\n")
    dumps = sum(len(track["dumps"]) for track in guests.tracks)
    print(f"{out}: {kind}, {len(guests.peers)} peers, {dumps} dumps, {seconds:g} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the session is (default 2)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if args.minutes < 0.2:
        parser.error("--minutes: a session needs 0.2 at least")
    make(args.kind, args.out, args.minutes, args.seed)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"make_session: ffmpeg failed ({error.returncode}) for {error.cmd[-1]}; its message is above")
    except KeyboardInterrupt:
        sys.exit(130)
