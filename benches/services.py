"""The servers of scripts/services, for the benchmarks: started on free ports, and ended with the benchmark."""
import os
import socket
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts/services"


def free_port():
    # two in a row: the services take their neighbour, too
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def start(script, folder, port, log=None):
    """Starts a service with its data in `folder`, and returns its process when it is ready."""
    process = subprocess.Popen(
        [SCRIPTS / script, folder, str(port), str(os.getpid())], stdout=subprocess.PIPE, stderr=log)
    if b"ready" not in process.stdout.readline():
        sys.exit(f"{script} did not start; see {folder}/log")
    return process
