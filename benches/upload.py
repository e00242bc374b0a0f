#!/usr/bin/env python3
"""Measures how tessera delivers a large file to a local S3 server, beside another multipart client.

    upload.py [--size MIB] [--runs N] [--upload PATH]

The other client is the `aws` CLI if it is installed, else a plain one in this file. The two run by turns; what counts
is the ratio of the medians. Wall clock and peak memory are those the kernel reports. Ends with 1 if a bar is missed.
"""
import argparse
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import services
from services import free_port

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
KEY, SECRET, REGION = "OWNERKEY", "ownersecret", "us-east-1"
BUCKET, OBJECT = "bench", "large.mp4"
MOST_RATIO, MOST_MEMORY_MIB = 1.3, 200
PART, PARTS_AT_ONCE = 8 << 20, 10


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as work:
        work = Path(work)
        file = make_file(work / OBJECT, options.size)
        server, port = start_server(work / "s3")
        try:
            sys.exit(measure(options, file, port, work / "s3/ceph.conf"))
        finally:
            server.terminate()
            server.wait()


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--upload", default=TARGET / "release/examples/upload", help="the example's binary")
    return parser.parse_args()


def measure(options, file, port, configuration):
    endpoint = f"http://127.0.0.1:{port}"
    Client(port).request("PUT", "")
    clients = {"tessera": [str(options.upload), str(file), endpoint, BUCKET, OBJECT]}
    if shutil.which("aws"):
        clients["aws"] = ["aws", "--endpoint-url", endpoint, "s3", "cp", "--quiet", str(file), f"s3://{BUCKET}/{OBJECT}"]
    else:
        clients["plain"] = [sys.executable, "-c", PLAIN, str(Path(__file__).parent), str(file), str(port)]
    seconds, memory, work = ({name: [] for name in clients} for _ in range(3))
    for run in range(options.runs + 1):
        for name, command in clients.items():
            taken, processor, peak = timed(command)
            Client(port).request("DELETE", OBJECT)
            # the server's store is memory, and what is deleted stays in it until it is collected
            subprocess.run(["radosgw-admin", "gc", "process", "--include-all"], check=True, capture_output=True,
                           env=dict(os.environ, CEPH_CONF=str(configuration)))
            # the first run of each warms up the server and the page cache
            if run > 0:
                seconds[name].append(taken)
                memory[name].append(peak)
                work[name].append(processor)
            print(f"{name:8} {taken:6.2f} s  CPU {processor:5.2f} s  {peak / 1024:4.0f} MiB"
                  f"{'' if run else '  (warming up)'}", flush=True)
    own, other = (statistics.median(seconds[name]) for name in clients)
    own_work, other_work = (statistics.median(work[name]) for name in clients)
    ratio, peak = own / other, max(memory["tessera"]) / 1024
    print(f"\n{options.size} MiB: tessera {own:.2f} s, {list(clients)[1]} {other:.2f} s: ratio {ratio:.2f} "
          f"(bar {MOST_RATIO}), CPU {own_work:.2f} s and {other_work:.2f} s, peak memory {peak:.0f} MiB (bar {MOST_MEMORY_MIB})")
    return 0 if ratio <= MOST_RATIO and peak < MOST_MEMORY_MIB else 1


def timed(command):
    environment = dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION,
                       AWS_DEFAULT_REGION=REGION, AWS_EC2_METADATA_DISABLED="true", NO_PROXY="127.0.0.1")
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed with {process.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def make_file(path, mebibytes):
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))
    return path


def start_server(folder):
    port = free_port()
    return services.start("s3.sh", folder, port), port


class Client:
    """As little of S3 as it takes (AWS Signature Version 4)."""

    def __init__(self, port):
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection(self.host)

    def request(self, method, key, query="", body=b""):
        path = f"/{BUCKET}/{key}" if key else f"/{BUCKET}"
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(signed)
        canonical = "\n".join([method, path, query, *(f"{name}:{value}" for name, value in signed.items()), "", names,
                               digest])
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        headers = dict(signed, authorization=f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, "
                                             f"Signature={signature}")
        self.connection.request(method, f"{path}?{query}" if query else path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content}")
        return answer.headers, content


def plain_upload(path, port):
    _, content = Client(port).request("POST", OBJECT, "uploads=")
    upload = urllib.parse.quote(re.search("<UploadId>(.*)</UploadId>", content).group(1), safe="")
    size = os.path.getsize(path)

    def send(number):
        with open(path, "rb") as file:
            file.seek((number - 1) * PART)
            body = file.read(PART)
        headers, _ = Client(port).request("PUT", OBJECT, f"partNumber={number}&uploadId={upload}", body)
        return f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['ETag']}</ETag></Part>"

    with concurrent.futures.ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        parts = "".join(pool.map(send, range(1, -(-size // PART) + 1)))
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    Client(port).request("POST", OBJECT, f"uploadId={upload}", body)


# The plain client runs in a process of its own, so that it is measured like the others.
PLAIN = "import sys; sys.path.insert(0, sys.argv[1]); import upload; upload.plain_upload(sys.argv[2], int(sys.argv[3]))"

if __name__ == "__main__":
    main()
