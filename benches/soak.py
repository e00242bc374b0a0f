#!/usr/bin/env python3
"""Keeps three workers busy with short sessions for a while, breaks everything around them, and counts what is left.

    soak.py [--minutes 10] [--jobs 520] [--tessera PATH] [--work DIR] [--keep]

Starts a RabbitMQ, an S3 server, a receiver of webhooks, and proxies before the first two. Jobs come in steadily. Meanwhile
workers are killed (-9) and started again, the broker is restarted, connections are cut and slowed, the spool is filled to
its limit, and the customer's account is suspended for a while. At the end every job must be delivered, or dead for a true
reason; every object there once and no other; no upload unfinished; every webhook received under one id, with a signature
that holds; all workers alive.

Ends with 1 if anything is missing, and says what.
"""
import argparse
import base64
import collections
import datetime
import hashlib
import hmac
import http.server
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml
from pathlib import Path

import services
from services import free_port

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SECRET = "whsec_" + base64.b64encode(b"a secret of the soak test, long enough").decode()
BUCKET, DUMPS = "customer", "dumps"
OWNER, CUSTOMER = ("OWNERKEY", "ownersecret"), ("OTHERKEY", "othersecret")
WORKERS = 3


def main():
    options = arguments()
    work = Path(options.work or tempfile.mkdtemp(prefix="tessera-soak-"))
    work.mkdir(parents=True, exist_ok=True)
    soak = Soak(options, work)
    try:
        soak.start()
        soak.run()
        faults = soak.judge()
    finally:
        soak.stop()
    for fault in faults[:40]:
        print(f"FAULT: {fault}")
    print(f"{len(faults)} fault(s)" if faults else "all is well")
    if faults or options.keep:
        print(f"logs are in {work}")
    else:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if faults else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=520)
    parser.add_argument("--tessera", default=str(TARGET / "release" / "tessera"))
    parser.add_argument("--work", help="folder for everything (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    return parser.parse_args()


class Soak:
    def __init__(self, options, work):
        self.options, self.work, self.random = options, work, random.Random(options.seed)
        self.processes = []
        self.workers = {}
        self.events = collections.Counter()
        self.submitted = {}
        self.expected_dead = set()
        self.receiver = Receiver()

    # -- the stage

    def start(self):
        say("starting the services")
        self.s3_port, self.mq_port = free_port(), free_port()
        self.s3_process = self.service("s3.sh", self.work / "s3", self.s3_port)
        self.mq_process = self.service("rabbitmq.sh", self.work / "mq", self.mq_port)
        self.s3 = S3(self.s3_port, *OWNER)
        self.customer = S3(self.s3_port, *CUSTOMER)
        self.s3.call("PUT", f"/{DUMPS}")
        self.customer.call("PUT", f"/{BUCKET}")
        self.s3_proxy, self.mq_proxy = Proxy(self.s3_port), Proxy(self.mq_port)
        self.sessions = [self.make_session(index) for index in range(4)]
        for number in range(WORKERS):
            self.start_worker(number)
        await_that("all workers are ready", lambda: all(self.is_ready(number) for number in range(WORKERS)), 60)

    def service(self, script, folder, port):
        log = open(self.work / f"{script}.log", "ab")
        process = services.start(script, folder, port, log)
        self.processes.append(process)
        return process

    def environment(self, number):
        return {
            **os.environ,
            "TESSERA_AMQP_URL": f"amqp://127.0.0.1:{self.mq_proxy.port}/%2f",
            "TESSERA_SPOOL": str(self.work / f"spool-{number}"),
            "TESSERA_SPOOL_LIMIT": "1G",
            "TESSERA_STORE": str(self.work / "store"),
            "TESSERA_SOURCE_ENDPOINT": f"http://127.0.0.1:{self.s3_proxy.port}",
            "TESSERA_SOURCE_PATH_STYLE": "1",
            "TESSERA_SOURCE_ALLOWED": f"s3://{DUMPS}/shared",
            "TESSERA_SOURCE_KEY": OWNER[0],
            "TESSERA_SOURCE_SECRET": OWNER[1],
            "TESSERA_ALLOW_PRIVATE_WEBHOOKS": "1",
            "TESSERA_RETRY_DELAYS": "1,2,5,10,20,30,30,30,30,30",
            "TESSERA_PARKED_DELAY": "5",
            "TESSERA_LISTEN": f"127.0.0.1:{self.listen[number]}",
        }

    @property
    def listen(self):
        if not hasattr(self, "_listen"):
            self._listen = [free_port() for _ in range(WORKERS)]
        return self._listen

    def start_worker(self, number):
        log = open(self.work / f"worker-{number}.log", "ab")
        self.workers[number] = subprocess.Popen(
            [self.options.tessera, "worker", "--slots", "2"], env=self.environment(number), stdout=log, stderr=log
        )

    def is_ready(self, number):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.listen[number]}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def make_session(self, index):
        """Two people for 3 to 5 s, one of them late; dumps are shared by all sessions made of it."""
        seconds = 3 + index % 3
        tracks = []
        for peer, tone in (("a", 440), ("b", 660)):
            base = self.work / f"dump-{index}-{peer}"
            video, audio = base.with_suffix(".webm"), base.with_suffix(".ogg")
            ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=15:d={seconds}", "-c:v", "libvpx", "-b:v", "200k",
                   "-deadline", "realtime", "-cpu-used", "8", str(video))
            ffmpeg("-f", "lavfi", "-i", f"sine=f={tone}:d={seconds}", "-c:a", "libopus", str(audio))
            tracks.append((peer, video, audio))
        for _, *files in tracks:
            for file in files:
                self.s3.call("PUT", f"/{DUMPS}/shared/{file.name}", file.read_bytes())
        return seconds, tracks

    # -- the play

    def run(self):
        options = self.options
        self.began = time.monotonic()
        end = self.began + options.minutes * 60
        threading.Thread(target=self.trouble, args=(end,), daemon=True).start()
        say(f"submitting {options.jobs} jobs over {options.minutes} minutes")
        for number in range(options.jobs):
            self.submit(number)
            # the last quarter of the time is for what trouble has delayed
            due = self.began + (number + 1) * options.minutes * 60 * 0.75 / options.jobs
            time.sleep(max(0, due - time.monotonic()))
        self.drain(end + 600)

    def submit(self, number):
        identity = f"soak-{number:05}"
        index = number % len(self.sessions)
        seconds, tracks = self.sessions[index]
        kind = "missing" if number % 100 == 99 else "good"
        manifest = self.manifest(identity, seconds, tracks)
        if kind == "good":
            self.s3.call("PUT", f"/{DUMPS}/{identity}/session.json", json.dumps(manifest).encode(), retries=40)
        else:
            self.expected_dead.add(identity)
        job = {
            "version": 1, "job_id": identity, "session": f"s3://{DUMPS}/{identity}/session.json",
            "outputs": [{"type": "room-composite", "resolution": "320x180", "preset": "ultrafast"}],
            "destination": {
                "type": "s3", "location": BUCKET, "prefix": identity,
                "options": {"region": "us-east-1", "endpoint": f"http://127.0.0.1:{self.s3_proxy.port}", "path_style": True},
                "credentials": {"key": CUSTOMER[0], "secret": CUSTOMER[1]},
            },
            "webhooks": [{"url": f"http://127.0.0.1:{self.receiver.port}/{identity}", "secret": SECRET}],
        }
        path = self.work / "job.json"
        path.write_text(json.dumps(job))
        while True:
            done = subprocess.run([self.options.tessera, "submit", path], env=self.environment(0), capture_output=True, text=True)
            if done.returncode == 0:
                break
            self.events["submissions tried again"] += 1
            time.sleep(1)
        self.submitted[identity] = kind

    def manifest(self, identity, seconds, tracks):
        start = datetime.datetime(2026, 11, 20, 10, 0, 0)
        at = lambda offset: (start + datetime.timedelta(seconds=offset)).isoformat() + "Z"
        return {
            "version": 1,
            "session": {"id": identity, "room_id": "soak", "account_id": f"account-{hash(identity) % 5}",
                        "started_at": at(0), "ended_at": at(seconds)},
            "peers": [{"id": peer} for peer, *_ in tracks],
            "tracks": [
                {"id": f"{peer}-{kind}", "peer_id": peer, "kind": kind,
                 "dumps": [{"uri": f"s3://{DUMPS}/shared/{file.name}", "started_at": at(0)}]}
                for peer, video, audio in tracks for kind, file in (("video", video), ("audio", audio))
            ],
        }

    def trouble(self, end):
        """Something goes wrong every few seconds, in turn and at random moments."""
        acts = [self.kill_worker, self.cut, self.kill_worker, self.slow, self.fill_spool, self.kill_worker,
                self.suspend, self.cut, self.restart_broker, self.kill_worker]
        turn = 0
        while time.monotonic() < end - 60:
            time.sleep(self.random.uniform(3, 9))
            if time.monotonic() >= end - 60:
                return
            act = acts[turn % len(acts)]
            turn += 1
            self.events[act.__name__] += 1
            act()

    def kill_worker(self):
        number = self.random.randrange(WORKERS)
        self.workers[number].kill()
        self.workers[number].wait()
        time.sleep(self.random.uniform(0, 2))
        self.start_worker(number)

    def cut(self):
        self.s3_proxy.cut()
        self.mq_proxy.cut()

    def slow(self):
        self.s3_proxy.bytes_per_second = 200_000
        time.sleep(10)
        self.s3_proxy.bytes_per_second = None

    def fill_spool(self):
        number = self.random.randrange(WORKERS)
        ballast = self.work / f"spool-{number}" / "ballast"
        ballast.parent.mkdir(exist_ok=True)
        with open(ballast, "wb") as file:
            file.truncate(2 << 30)
        time.sleep(8)
        ballast.unlink()

    def suspend(self):
        self.admin("user", "suspend", "--uid=stranger")
        time.sleep(12)
        self.admin("user", "enable", "--uid=stranger")

    def admin(self, *command):
        environment = {**os.environ, "CEPH_CONF": str(self.work / "s3" / "ceph.conf")}
        subprocess.run(["radosgw-admin", *command], env=environment, capture_output=True, check=True)

    def restart_broker(self):
        self.mq_process.terminate()
        self.mq_process.wait()
        time.sleep(2)
        self.mq_process = self.service("rabbitmq.sh", self.work / "mq", self.mq_port)

    def drain(self, deadline):
        say("waiting for what is left")
        done = lambda: all(self.state(identity) in ("delivered", "failed") for identity in self.submitted) and not self.waiting()
        shown = 0
        while not done() and time.monotonic() < deadline:
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                say(f"  {collections.Counter(self.state(identity) for identity in self.submitted)}, webhooks waiting: {self.waiting()}")
            time.sleep(2)

    def state(self, identity):
        try:
            return json.loads((self.work / "store/jobs" / identity / "record.json").read_text())["state"]
        except (OSError, ValueError):
            return "unknown"

    def waiting(self):
        folder = self.work / "store/outbox/pending"
        return len(list(folder.glob("*.json"))) if folder.exists() else 0

    # -- the judgement

    def judge(self):
        took = time.monotonic() - self.began
        faults = []
        await_that("all workers are ready", lambda: all(self.is_ready(number) for number in range(WORKERS)), 60, faults)
        for number, worker in self.workers.items():
            if worker.poll() is not None:
                faults.append(f"worker {number} ended with {worker.returncode}")
        objects = self.customer.list(BUCKET)
        by_job = collections.defaultdict(list)
        for key in objects:
            by_job[key.split("/")[0]].append(key)
        for identity, kind in self.submitted.items():
            state, keys, ids = self.state(identity), by_job.pop(identity, []), self.receiver.ids(identity)
            wanted = ("delivered", 1, "recording.success") if kind == "good" else ("failed", 0, None)
            if (state, len(keys)) != wanted[:2]:
                faults.append(f"{identity} ({kind}) is {state} with {len(keys)} object(s): {keys}")
            if wanted[2] and len(ids.get(wanted[2], ())) != 1:
                faults.append(f"{identity} was told of under {len(ids.get(wanted[2], ()))} id(s)")
        for identity, keys in by_job.items():
            faults.append(f"objects of nobody: {identity} {keys}")
        for upload in self.customer.uploads(BUCKET):
            faults.append(f"an upload was never finished: {upload}")
        dead = json.loads(subprocess.run([self.options.tessera, "dead", "list", "--json"], env=self.environment(0),
                                         capture_output=True, text=True, check=True).stdout)
        for job in dead:
            if job["job_id"] not in self.expected_dead or "no such object" not in (job["reason"] or ""):
                faults.append(f"dead without a true reason: {job}")
        faults += [f"webhook: {fault}" for fault in self.receiver.faults]
        states = collections.Counter(self.state(identity) for identity in self.submitted)
        print(f"{len(self.submitted)} jobs in {took:.0f} s: {dict(states)}; {len(objects)} objects; {self.receiver.count} webhooks "
              f"received; dead: {len(dead)}; trouble: {dict(self.events)}")
        return faults

    def stop(self):
        for worker in self.workers.values():
            worker.send_signal(signal.SIGKILL)
        for process in self.processes:
            process.terminate()
        for process in [*self.workers.values(), *self.processes]:
            process.wait()


class Receiver:
    """Takes webhooks, checks their signatures (Standard Webhooks), and refuses one in ten for practice."""

    def __init__(self):
        receiver, self.seen, self.faults, self.count, self.lock = self, {}, [], 0, threading.Lock()
        key = base64.b64decode(SECRET.removeprefix("whsec_"))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                identity, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                signed = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
                good = f"v1,{base64.b64encode(signed).decode()}" in (self.headers["webhook-signature"] or "").split()
                event = json.loads(body)
                with receiver.lock:
                    receiver.count += 1
                    refuse = receiver.count % 10 == 0
                    if not good or event["id"] != identity:
                        receiver.faults.append(f"{self.path}: signature or id is wrong")
                    if not refuse:
                        kinds = receiver.seen.setdefault(self.path.strip("/"), {})
                        kinds.setdefault(event["type"], set()).add(identity)
                self.send_response(500 if refuse else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ids(self, identity):
        with self.lock:
            return dict(self.seen.get(identity, {}))


class Proxy:
    """Passes TCP connections on; may cut all of them, or slow them down."""

    def __init__(self, target):
        self.target, self.bytes_per_second, self.pairs, self.lock = target, None, set(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            inner, _ = self.listener.accept()
            threading.Thread(target=self.pass_on, args=(inner,), daemon=True).start()

    def pass_on(self, inner):
        try:
            outer = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            return inner.close()
        pair = (inner, outer)
        with self.lock:
            self.pairs.add(pair)
        try:
            while True:
                for one in select.select(pair, [], [], 60)[0]:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    (outer if one is inner else inner).sendall(data)
                    if self.bytes_per_second:
                        time.sleep(len(data) / self.bytes_per_second)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.pairs.discard(pair)
            inner.close()
            outer.close()

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for one in pair:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class S3:
    """The few calls that are needed, signed by AWS Signature Version 4."""

    def __init__(self, port, key, secret):
        self.host, self.key, self.secret = f"127.0.0.1:{port}", key, secret

    def call(self, method, path, body=b"", query="", retries=0):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, digest])
        scope = f"{day}/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        url = f"http://{self.host}{path}" + (f"?{query}" if query else "")
        request = urllib.request.Request(url, data=body or None, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        except OSError:
            if not retries:
                raise
            time.sleep(1)
            return self.call(method, path, body, query, retries - 1)

    def list(self, bucket):
        keys, after = [], ""
        while True:
            query = "list-type=2" + (f"&start-after={urllib.parse.quote(after, safe='')}" if after else "")
            page = xml.fromstring(self.call("GET", f"/{bucket}", query=query))
            found = [node.text for node in page.iter() if node.tag.endswith("}Key") or node.tag == "Key"]
            keys += found
            if not found or page.findtext("{*}IsTruncated") != "true":
                return keys
            after = found[-1]

    def uploads(self, bucket):
        page = xml.fromstring(self.call("GET", f"/{bucket}", query="uploads="))
        return [node.findtext("{*}Key") for node in page.iter() if node.tag.endswith("}Upload") or node.tag == "Upload"]


def ffmpeg(*command):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *command], check=True)


def await_that(what, holds, seconds, faults=None):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            if faults is None:
                sys.exit(f"soak: it did not come about that {what}")
            return faults.append(f"it did not come about that {what}")
        time.sleep(0.2)


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
