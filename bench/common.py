"""Shared by all measurements: building, seeding, servers, load, CPU time.

wrk measures rates and latencies. The CPU time per request, user and system, of all processes and
threads of a server comes from /proc. Use it to compare: it is stable on a noisy machine. All traffic
is on loopback, and every process that is started here is stopped here.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
PEOPLE, PASSWORD = 16, "battery staple"
PREFIX = "/api/accounts"
LOGIN = f"{PREFIX}/login"
TICK = os.sysconf("SC_CLK_TCK")
ROUNDS = 3

CONFIG = {
    "SECRET_KEY": "bench-secret-key-0123456789abcdef-0123456789",
    "SECURITY_PASSWORD_SALT": "146585145368132386173505678016728509634",
    "SECURITY_TOTP_SECRETS": {"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"},
    "SECURITY_TOTP_ISSUER": "bench",
    "SECURITY_FLASH_MESSAGES": False,
    "SECURITY_URL_PREFIX": "/api/accounts",
    "SECURITY_RECOVERABLE": True,
    "SECURITY_TRACKABLE": True,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_CONFIRMABLE": True,
    "SECURITY_REGISTERABLE": True,
    "SECURITY_UNIFIED_SIGNIN": True,
    "SECURITY_POST_CONFIRM_VIEW": "/confirmed",
    "SECURITY_CONFIRM_ERROR_VIEW": "/confirm-error",
    "SECURITY_RESET_VIEW": "/reset-password",
    "SECURITY_RESET_ERROR_VIEW": "/reset-password-error",
    "SECURITY_LOGIN_ERROR_VIEW": "/login-error",
    "SECURITY_POST_OAUTH_LOGIN_VIEW": "/post-oauth-login",
    "SECURITY_REDIRECT_BEHAVIOR": "spa",
    "SECURITY_CSRF_PROTECT_MECHANISMS": ["session", "basic"],
    "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": True,
    "SECURITY_CSRF_COOKIE_NAME": "XSRF-TOKEN",
    "WTF_CSRF_CHECK_DEFAULT": False,
    "WTF_CSRF_TIME_LIMIT": None,
}


def stop(message):
    print(f"bench: {message}", file=sys.stderr)
    sys.exit(1)


def need_wrk():
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "-y", "wrk"], stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        stop("wrk is missing: apt-get install wrk")


def oracle_python():
    python = Path(os.environ.get("VESTIBULE_ORACLE_PYTHON", ROOT / "oracle/.venv/bin/python"))
    if not python.exists():
        venv = ROOT / "oracle/.venv"
        stop(
            f"there is no {python}. Make the reference's environment:\n"
            f"  python3 -m venv {venv} && {venv}/bin/pip install -r {ROOT}/oracle/requirements.txt"
        )
    return python


def build():
    """Builds release binaries with symbols, which the profile needs."""
    env = dict(os.environ, CARGO_PROFILE_RELEASE_STRIP="none")
    command = ["cargo", "build", "--release", "-q", "-p", "vestibule-server", "--bins", "--examples"]
    if subprocess.run(command, cwd=ROOT, env=env).returncode:
        stop("the release build failed")
    out = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, capture_output=True, check=True
    )
    return Path(json.loads(out.stdout)["target_directory"]) / "release"


def toml(value):
    if value is None:
        return '""'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def seed(python, folder):
    """Creates a database with the reference, with the default hash parameters of both servers."""
    file = folder / "seed.db"
    if file.exists():
        return file
    people = [
        {
            "email": f"person{number}@example.com",
            "password": PASSWORD,
            "active": True,
            "confirmed_at": "2026-01-02T03:04:05.000006",
            "fs_uniquifier": f"{number:032x}",
        }
        for number in range(PEOPLE)
    ]
    config = dict(CONFIG, SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}")
    request = {"op": "seed", "config": config, "users": people, "roles": {}, "log": str(folder / "seed.log")}
    answer = subprocess.run(
        [python, ROOT / "oracle/app.py"], input=json.dumps(request) + "\n", capture_output=True, text=True
    )
    if answer.stdout.strip() != "{}":
        stop(f"could not seed the database: {answer.stdout}{answer.stderr}{(folder / 'seed.log').read_text()}")
    return file


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


class Server:
    """A running server, measured and stopped by its process ID."""

    def __init__(self, name, command, port, path, folder, env=None, patience=15):
        self.name, self.port, self.path, self.patience = name, port, path, patience
        self.log = folder / f"{name}.log"
        started = time.perf_counter()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        self.start_ms = self._first_answer(started) * 1000

    def _first_answer(self, started):
        while time.perf_counter() - started < self.patience:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as stream:
                    stream.sendall(
                        f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
                        "Connection: close\r\n\r\n".encode()
                    )
                    if stream.recv(64).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - started
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.0005)
        stop(f"{self.name} does not start:\n{self.log.read_text()}")

    def processes(self):
        """The IDs of the server's process and its children."""
        pids = [self.process.pid]
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        return pids

    def cpu_seconds(self):
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def resident_mib(self):
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total / 1024

    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def vestibule(release, name, config, path, folder):
    """Starts vestibule with this configuration."""
    port, file = free_port(), folder / f"{name}.toml"
    file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in config.items()))
    command = [release / "vestibule", "serve", "--listen", f"127.0.0.1:{port}", "--config", file]
    return Server(name, command, port, path, folder, {})  # no settings from the environment


def reference(python, name, config, path, folder):
    """Starts the real Flask-Security with this configuration."""
    port, file = free_port(), folder / f"{name}.json"
    file.write_text(json.dumps(config))
    command = [
        python, "-m", "gunicorn", "--workers", "2", "--chdir", ROOT / "oracle",
        "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "app:from_environment()",
    ]
    return Server(name, command, port, path, folder, dict(os.environ, ORACLE_CONFIG=str(file)))


def sign_in(server):
    """Signs in the first user. Returns the cookies."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = json.dumps({"email": "person0@example.com", "password": PASSWORD})
    headers = {"Content-Type": "application/json", "User-Agent": "bench"}
    connection.request("POST", LOGIN, body, headers)
    answer = connection.getresponse()
    cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    if answer.status != 200:
        stop(f"{server.name} does not sign in: {answer.status} {answer.read()}")
    cookie = "; ".join(cookie.split(";")[0] for cookie in cookies)
    connection.close()
    connection.request("GET", LOGIN, headers={"Accept": "application/json", "User-Agent": "bench", "Cookie": cookie})
    answer = connection.getresponse().read()
    if "user" not in json.loads(answer)["response"]:
        stop(f"{server.name} does not know who signed in: {answer}")
    return cookie


def wrk_command(server, script, seconds, connections, *arguments):
    base = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", BENCH / script, server.url()]
    return [*base, "--", *map(str, arguments)]


def figures(server, output):
    line = next((line for line in output.splitlines() if line.startswith("SUMMARY ")), None)
    if line is None:
        stop(f"wrk said nothing useful about {server.name}:\n{output}")
    run = json.loads(line.removeprefix("SUMMARY "))
    if run["refused"] or run["broken"] or not run["requests"]:
        stop(f"{server.name}: {run['refused']} refused and {run['broken']} broken of {run['requests']} requests")
    run["rate"] = run["requests"] / run["seconds"]
    return run


def load(server, script, seconds, connections, *arguments):
    """Runs wrk once, and measures the CPU time that the server spends on it."""
    before = server.cpu_seconds()
    command = wrk_command(server, script, seconds, connections, *arguments)
    output = subprocess.run(command, capture_output=True, text=True).stdout
    run = figures(server, output)
    run["cpu_us"] = (server.cpu_seconds() - before) * 1e6 / run["requests"]
    return run


def rounds(what, servers, loads, seconds, count=ROUNDS):
    """Alternates between the servers in short runs, so that a busy moment of the machine affects all."""
    runs = {key: [] for key in servers}
    for _ in range(count):
        for key, server in servers.items():
            script, *arguments = loads[key]
            runs[key].append(load(server, script, seconds, *arguments))
    result = {}
    for key, turns in runs.items():
        total = sum(turn["requests"] for turn in turns)
        result[f"{key}_{what}"] = {
            "requests": total,
            "rate": statistics.median(turn["rate"] for turn in turns),
            "p50_us": statistics.median(turn["p50_us"] for turn in turns),
            "p99_us": statistics.median(turn["p99_us"] for turn in turns),
            "cpu_us": sum(turn["cpu_us"] * turn["requests"] for turn in turns) / total,
            "median_cpu_us": statistics.median(turn["cpu_us"] for turn in turns),
        }
    return result
