"""POST /register: creates an account, hashes its password, and renders the confirmation mail. Neither
server sends it."""

import contextlib
import shutil
import uuid

from common import CONFIG, PASSWORD, PREFIX, reference, rounds, seed, vestibule

SECONDS = 4
REGISTER = f"{PREFIX}/register"


def measure(release, python, folder):
    database = seed(python, folder)
    config = dict(
        CONFIG, MAIL_SUPPRESS_SEND=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    )

    def on_a_copy(start, name):
        copy = folder / f"register-{name}.db"
        shutil.copy(database, copy)
        return start(f"register-{name}", dict(config, SQLALCHEMY_DATABASE_URI=f"sqlite:///{copy}"), REGISTER, folder)

    with contextlib.ExitStack() as stack:
        servers = {
            "our": on_a_copy(lambda *rest: vestibule(release, *rest), "our"),
            "reference": on_a_copy(lambda *rest: reference(python, *rest), "reference"),
        }
        for server in servers.values():
            stack.enter_context(contextlib.closing(server))

        class Loads(dict):
            """Every run registers new users."""

            def __missing__(self, key):
                return ("register.lua", 2, f"p{uuid.uuid4().hex[:10]}x", PASSWORD)

        return rounds("register", servers, Loads(), SECONDS)


def show(result):
    print("\nPOST /register, 2 connections. CPU is the server's, user and system, for one request.\n")
    print(f"{'':34}{'requests/s':>12}{'p50':>12}{'p99':>12}{'CPU':>14}")
    for name, key in [("vestibule", "our_register"), ("Flask-Security", "reference_register")]:
        run = result[key]
        print(
            f"  {name:32}{run['rate']:>12.1f}{run['p50_us'] / 1000:>9.2f} ms{run['p99_us'] / 1000:>9.2f} ms"
            f"{run['cpu_us']:>11.1f} us"
        )
    share = 100 * result["our_register"]["cpu_us"] / result["reference_register"]["cpu_us"]
    met = "met   " if share <= 50 else "MISSED"
    print(f"\ntargets\n  {met}  registration: {share:.0f} % of the reference's CPU  (target 50 %)")
