"""What the limits on guessing cost: one server with SECURITY_LIMITS = "on", one with "off"."""

import contextlib
import shutil

from common import CONFIG, LOGIN, PASSWORD, PEOPLE, rounds, seed, sign_in, vestibule

GET_SECONDS, POST_SECONDS, ROUNDS = 1, 3, 5
MODES = ("off", "on")
TARGET = 5  # per cent


def measure(release, python, folder):
    database = seed(python, folder)

    def server(mode):
        copy = folder / f"limits-{mode}.db"
        shutil.copy(database, copy)
        config = dict(CONFIG, SQLALCHEMY_DATABASE_URI=f"sqlite:///{copy}", SECURITY_LIMITS=mode)
        return vestibule(release, f"limits-{mode}", config, LOGIN, folder)

    with contextlib.ExitStack() as stack:
        servers = {mode: stack.enter_context(contextlib.closing(server(mode))) for mode in MODES}
        gets = {mode: ("authenticated.lua", 8, sign_in(servers[mode]), 0) for mode in MODES}
        posts = {mode: ("sign_in.lua", 2, PEOPLE, PASSWORD) for mode in MODES}
        rounds("warm", servers, gets, GET_SECONDS, 1)
        result = rounds("get", servers, gets, GET_SECONDS, ROUNDS)
        return result | rounds("post", servers, posts, POST_SECONDS, ROUNDS)


def show(result):
    print(f"\nThe limits on guessing, median of {ROUNDS} rounds. CPU is the server's, user and system, for one request.\n")
    print(f"{'':34}{'off':>14}{'on':>14}{'difference':>14}")
    targets = []
    for name, key in [("authenticated GET /login", "get"), ("POST /login, 2 connections", "post")]:
        off, on = (result[f"{mode}_{key}"]["median_cpu_us"] for mode in MODES)
        more = 100 * (on / off - 1)
        targets.append((f"{name}: {more:+.1f} %", more <= TARGET))
        print(f"  {name:32}{off:>11.1f} us{on:>11.1f} us{more:>+12.1f} %")
    print("\ntargets")
    for text, met in targets:
        print(f"  {'met   ' if met else 'MISSED'}  {text}  (target {TARGET} %)")
