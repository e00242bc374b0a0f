#!/usr/bin/env python3
"""Works off a queue of short jobs with two workers, and measures how busy the cores are and what the workers add.

    job_queue.py [--jobs 200] [--tessera PATH] [--work DIR]

Starts a RabbitMQ and two workers with their usual settings, and gives them jobs of the sample at 640x360, delivered to a
folder. Busy is what the kernel says of all cores from the first job's start to the last one's end. What the workers add is
their CPU time, children included, against that of `tessera compose` doing the same, a tenth as often before and after.
Also: how long a worker takes from its start until it is ready, and what an idle one takes.

Ends with 1 if a bar is missed: cores 90 % busy, 10 % more CPU than compose, ready within 1 s, idle below 60 MiB and 1 %.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import services
from services import free_port

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SAMPLE = ROOT / "samples" / "standup"
WORKERS = 2
IDLE_SECONDS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--tessera", default=str(TARGET / "release" / "tessera"))
    parser.add_argument("--work", help="folder for everything (default: a temporary one)")
    options = parser.parse_args()
    work = Path(options.work or tempfile.mkdtemp(prefix="tessera-queue-"))
    work.mkdir(parents=True, exist_ok=True)
    broker = Broker(work)
    try:
        figures = measure(options, work, broker)
    finally:
        broker.stop()
        if not options.work:
            shutil.rmtree(work, ignore_errors=True)
    missed = 0
    for name, value, unit, holds, bar in figures:
        missed += not holds
        print(f"{name:<44} {value:>8.2f} {unit:<4} asked {bar:<8} {'yes' if holds else 'NO'}")
    return 1 if missed else 0


def measure(options, work, broker):
    environment = {
        **os.environ,
        "TESSERA_AMQP_URL": f"amqp://127.0.0.1:{broker.port}/%2f",
        "TESSERA_STORE": str(work / "store"),
        "TESSERA_DESTINATION_FOLDER": str(work),
    }
    reference = max(options.jobs // 10, 1)
    composing = sum(compose(options.tessera, work) for _ in range(reference))
    workers = [Worker(options.tessera, work, environment, number) for number in range(WORKERS)]
    ready = max(worker.ready_after() for worker in workers)
    idle_cpu, idle_memory = idle(workers)
    before = [worker.cpu() for worker in workers]
    began, busy = time.monotonic(), Cores()
    submit(options, work, environment)
    while len(list((work / "out").rglob("*.mp4"))) < options.jobs or any(worker.is_at_work() for worker in workers):
        time.sleep(0.2)
    seconds, share = time.monotonic() - began, busy.share()
    working = sum(worker.stop() for worker in workers) - sum(before)
    composing += sum(compose(options.tessera, work) for _ in range(reference))
    added = working / options.jobs / (composing / 2 / reference) - 1
    print(f"{options.jobs} jobs in {seconds:.0f} s, {working / options.jobs:.2f} s CPU each; "
          f"compose {composing / 2 / reference:.2f} s")
    return [
        ("cores busy", share * 100, "%", share >= 0.9, ">= 90"),
        ("CPU above that of compose", added * 100, "%", added <= 0.1, "<= 10"),
        ("start until ready", ready, "s", ready < 1, "< 1"),
        ("memory of an idle worker", idle_memory, "MiB", idle_memory < 60, "< 60"),
        ("CPU of an idle worker, of one core", idle_cpu * 100, "%", idle_cpu < 0.01, "< 1"),
    ]


class Broker:
    def __init__(self, work):
        self.port = free_port()
        self.process = services.start("rabbitmq.sh", work / "mq", self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Worker:
    def __init__(self, tessera, work, environment, number):
        self.port = free_port()
        own = {"TESSERA_SPOOL": str(work / f"spool-{number}"), "TESSERA_LISTEN": f"127.0.0.1:{self.port}"}
        self.began = time.monotonic()
        log = open(work / f"worker-{number}.log", "wb")
        self.process = subprocess.Popen([tessera, "worker"], env={**environment, **own}, stdout=log, stderr=log)

    def ready_after(self):
        """Seconds from its start until it takes jobs."""
        while True:
            try:
                if self.get("/readyz"):
                    return time.monotonic() - self.began
            except OSError:
                time.sleep(0.01)

    def is_at_work(self):
        return bool(json.loads(self.get("/status"))["jobs"])

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read()

    def cpu(self):
        """Seconds of CPU that it took itself and that its ended children took."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def stop(self):
        """Ends it in good order, and says what CPU it and its children took."""
        self.process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode:
            sys.exit(f"queue: a worker ended with {self.process.returncode}")
        return usage.ru_utime + usage.ru_stime


class Cores:
    """How busy all cores are from its making on."""

    def __init__(self):
        self.before = self.read()

    def share(self):
        total, idle = (now - then for now, then in zip(self.read(), self.before))
        return 1 - idle / total

    @staticmethod
    def read():
        # user, nice, system, idle, iowait, irq, softirq, steal
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]


def idle(workers):
    before = [worker.cpu() for worker in workers]
    time.sleep(IDLE_SECONDS)
    used = max(worker.cpu() - then for worker, then in zip(workers, before))
    return used / IDLE_SECONDS, max(worker.resident() for worker in workers)


def submit(options, work, environment):
    for number in range(options.jobs):
        path = work / "job.json"
        path.write_text(json.dumps({
            "version": 1, "job_id": f"queue-{number:04}", "session": str(SAMPLE),
            "outputs": [{"type": "room-composite", "resolution": "640x360"}],
            "destination": {"type": "file", "location": str(work / "out"), "prefix": f"{number:04}"},
        }))
        subprocess.run([options.tessera, "submit", path], env=environment, check=True, capture_output=True)


def compose(tessera, work):
    """Seconds of CPU for the same recording by hand, with the threads that a worker gives a job."""
    command = [tessera, "compose", str(SAMPLE), "--out", str(work / "by-hand"), "--resolution", "640x360", "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("queue: compose failed")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
