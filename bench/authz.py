"""`GET /login` and /authz by session and by token, on SQLite and PostgreSQL, on tables of a thousand and of a
million users. A thousand users, spread over the whole table, send requests in turn."""

import contextlib
import json
import os
import subprocess
import sys
import uuid

from common import CONFIG, PREFIX, ROOT, Server, free_port, load, rounds, stop, toml

SMALL, LARGE, ASKING = 1_000, 1_000_000, 1_000
SECONDS = 2
POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
CALLERS = [("session", "Cookie"), ("token", "Authentication-Token")]
PATHS = {"login": f"{PREFIX}/login", "authz": f"{PREFIX}/authz?roles_required=editor"}

# Runs in the reference's environment: its models create the tables, SQL inserts the rows, and its
# libraries create the cookies and tokens.
SEED = r"""
import json, sys, time
sys.path.insert(0, sys.argv[1])
import app as oracle
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import text
wanted = json.loads(sys.argv[2])
app, db = oracle.build(wanted["config"])
count, asking = wanted["count"], wanted["asking"]
rows = "VALUES (:id, :email, 1 = 1, :fs, :at, :at)"
insert = f'INSERT INTO "user" (id, email, active, fs_uniquifier, create_datetime, update_datetime) {rows}'
with app.app_context():
    at = "2026-01-02 03:04:05.000006"
    for first in range(0, count, 10_000):
        part = range(first, min(first + 10_000, count))
        values = [{"id": n + 1, "email": f"person{n}@example.com", "fs": f"{n:032x}", "at": at} for n in part]
        db.session.execute(text(insert), values)
    db.session.execute(text("INSERT INTO role (id, name, permissions, update_datetime) VALUES (1, 'editor', 'read,write', :at)"), {"at": at})
    db.session.execute(text('INSERT INTO roles_users (user_id, role_id) SELECT id, 1 FROM "user"'))
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    db.engine.dispose()
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    for n in range(0, count, count // asking):
        fs = f"{n:032x}"
        session = signer.dumps({"_user_id": fs, "_fresh": True, "fs_cc": "sent", "fs_paa": time.time()})
        token = app.security.remember_token_serializer.dumps({"ver": "5", "uid": fs, "fs_paa": time.time(), "exp": 0})
        print(json.dumps([f"session={session}", token]))
"""


@contextlib.contextmanager
def databases(folder):
    """Yields the address of a database for each kind and size. Drops those of PostgreSQL at the end."""
    uris = {("sqlite", count): f"sqlite:///{folder}/authz{count}.db" for count in (SMALL, LARGE)}
    names = []

    def psql(statement):
        done = subprocess.run(["psql", "-q", POSTGRES, "-c", statement], capture_output=True, text=True)
        if done.returncode:
            stop(f"PostgreSQL at {POSTGRES} (TEST_POSTGRES): {done.stderr}")

    try:
        for count in (SMALL, LARGE):
            name = f"vestibule_bench_{uuid.uuid4().hex[:12]}"
            psql(f"CREATE DATABASE {name}")
            names.append(name)
            uris["postgres", count] = f"{POSTGRES.rsplit('/', 1)[0]}/{name}"
        yield uris
    finally:
        for name in names:
            psql(f"DROP DATABASE {name} WITH (FORCE)")


def seed(python, root, config, count, folder, name):
    """Fills a database. Returns a file of header lines for each credential (session, token)."""
    wanted = {"config": config, "count": count, "asking": ASKING}
    made = subprocess.run([python, "-c", SEED, root / "oracle", json.dumps(wanted)], capture_output=True, text=True)
    if made.returncode:
        stop(f"could not fill {name}: {made.stderr[-2000:]}")
    asking = [json.loads(line) for line in made.stdout.splitlines()]
    files = {}
    for position, (kind, header) in enumerate(CALLERS):
        files[kind] = folder / f"{name}-{kind}.txt"
        files[kind].write_text("".join(f"{header}: {line[position]}\n" for line in asking))
    return files


def measure(release, python, folder):
    root = ROOT
    result = {}
    with databases(folder) as uris, contextlib.ExitStack() as stack:
        servers, loads = {}, {}
        port = free_port()
        bare = Server("authz-bare", [release / "examples/bare", f"127.0.0.1:{port}"], port, "/login", folder)
        servers["bare"] = stack.enter_context(contextlib.closing(bare))
        for (kind, count), uri in uris.items():
            name = f"{kind}-{count}"
            print(f"  filling {name} ...", file=sys.stderr)
            scheme = uri.replace("postgresql://", "postgresql+psycopg://")
            config = dict(CONFIG, SQLALCHEMY_DATABASE_URI=scheme, SECURITY_TOKEN_MAX_AGE=86400)
            files = seed(python, root, config, count, folder, name)
            config["SQLALCHEMY_DATABASE_URI"] = uri
            file, port = folder / f"{name}.toml", free_port()
            file.write_text("".join(f"{key} = {toml(value)}\n" for key, value in config.items()))
            upgrade = [release / "vestibule", "db", "upgrade", "--config", file]
            done = subprocess.run(upgrade, capture_output=True, text=True, env={}, cwd=folder)
            if done.returncode:
                stop(f"db upgrade of {name}: {done.stderr}")
            command = [release / "vestibule", "serve", "--listen", f"127.0.0.1:{port}", "--config", file]
            server = Server(f"authz-{name}", command, port, "/healthz", folder, {})
            stack.enter_context(contextlib.closing(server))
            for caller, lines in files.items():
                for path, address in PATHS.items():
                    key = f"{name}-{caller}-{path}"
                    servers[key] = server
                    loads[key] = ("authz.lua", 8, lines, address)
        loads["bare"] = ("authenticated.lua", 8, "", 0)
        for key, server in servers.items():
            script, *arguments = loads[key]
            load(server, script, 1, *arguments)
        result |= rounds("authz", servers, loads, SECONDS, 5)
    return result


def show(result):
    print("\nA thousand users in turn. CPU is the server's for one request, the median of the rounds.\n")
    print(f"{'':34}{'requests/s':>12}{'p50':>12}{'p99':>12}{'CPU':>14}{'x bare':>9}")
    cpu = {key.removesuffix("_authz"): run["median_cpu_us"] for key, run in result.items()}
    for key, run in result.items():
        key = key.removesuffix("_authz")
        print(
            f"  {key:32}{run['rate']:>12.1f}{run['p50_us'] / 1000:>9.2f} ms{run['p99_us'] / 1000:>9.2f} ms"
            f"{cpu[key]:>11.1f} us{cpu[key] / cpu['bare']:>9.1f}"
        )
    print("\ntargets")

    def target(what, value, most):
        print(f"  {'met   ' if value <= most else 'MISSED'}  {what}: {value:.2f}  (at most {most})")

    for kind in ("sqlite", "postgres"):
        of = lambda count, caller, path: cpu[f"{kind}-{count}-{caller}-{path}"]
        if kind == "sqlite":
            target("GET /login by session on SQLite, times the bare route", of(SMALL, "session", "login") / cpu["bare"], 4)
        target(f"/authz by session on {kind}, times GET /login", of(SMALL, "session", "authz") / of(SMALL, "session", "login"), 1.2)
        for path in PATHS:
            by_session = of(SMALL, "session", path)
            target(f"/{path} by token on {kind}, times by session", of(SMALL, "token", path) / by_session, 1.2)
            if kind == "postgres":
                target(f"/{path} by session on PostgreSQL, times SQLite", by_session / cpu[f"sqlite-{SMALL}-session-{path}"], 2)
            for caller, _ in CALLERS:
                more = of(LARGE, caller, path) / of(SMALL, caller, path)
                target(f"/{path} by {caller} on {kind}, a million users times a thousand", more, 1.1)
