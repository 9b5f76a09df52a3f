"""The real Flask-Security as a reference for the tests.

Without arguments it reads one JSON request per line on standard input and writes one
JSON answer per line on standard output:

  {"op": "serve", "config": {...}, "log": FILE}  -> {"pid": P, "port": N}
  {"op": "stop", "pid": P}                       -> {}
  {"op": "seed", "config": {...}, "users": [..], "log": FILE} -> {}
  {"op": "messages"}                             -> {"CODE": "text", ...}
  {"op": "sign", "kind": K, "secret": S, "payload": ..., "age": SECONDS} -> {"value": "..."}
  {"op": "digest", "secret": S, "payload": "..."} -> {"value": "..."}
  {"op": "code", "key": BASE32, "at": SECONDS} -> {"value": "123456"}
  {"op": "seal_key", "secrets": {TAG: S}, "key": BASE32} -> {"value": "..."}
  {"op": "open_key", "secrets": {TAG: S}, "sealed": "..."} -> {"value": BASE32}

Providers of social sign-in are the tables of OAUTH_PROVIDERS, as vestibule reads them: an issuer, or
the addresses of a plain OAuth 2 provider.

The SMS service "webhook" posts each SMS to SECURITY_SMS_SERVICE_CONFIG["URL"], as vestibule's
service of that name does.

Every application runs in a child process that is forked after the imports, so another
configuration costs milliseconds. The children end when standard input closes.

Under gunicorn the application is `app:from_environment()`, configured by the JSON file
at the path in ORACLE_CONFIG.
"""

import datetime
import json
import os
import signal
import sys
import time
import traceback
import urllib.request

import flask_login.utils
import flask_wtf
import itsdangerous
from flask import Flask, current_app, request
from flask.json.tag import TaggedJSONSerializer
from flask_cors import CORS
from flask_mail import Mail
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security import FsOAuthProvider, core, decorators, utils
from flask_security.models import fsqla_v4 as fsqla
from flask_sqlalchemy import SQLAlchemy
from passlib.totp import TOTP
from werkzeug.serving import WSGIRequestHandler, make_server


class PostedSms(utils.SmsSenderBaseClass):
    """Posts an SMS to the test that configured this service."""

    def send_sms(self, from_number, to_number, msg):
        sms = json.dumps({"from": from_number, "to": to_number, "message": msg}).encode()
        url = current_app.config["SECURITY_SMS_SERVICE_CONFIG"]["URL"]
        with urllib.request.urlopen(urllib.request.Request(url, data=sms), timeout=30):
            pass


utils.SmsSenderFactory.senders["webhook"] = PostedSms


def python_value(value):
    """Converts a JSON value. {"seconds": N} becomes a timedelta, which JSON does not have."""
    if isinstance(value, dict):
        if set(value) == {"seconds"}:
            return datetime.timedelta(seconds=value["seconds"])
        return {key: python_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [python_value(item) for item in value]
    return value


def identity_attributes(listed):
    """Replaces the names of mappers with the functions themselves."""
    named = {name: getattr(utils, name) for name in dir(utils) if name.startswith("uia_")}
    for entry in listed:
        for details in entry.values():
            details["mapper"] = named[details["mapper"]]
    return listed


class ConfiguredProvider(FsOAuthProvider):
    """A provider from a table of OAUTH_PROVIDERS."""

    def __init__(self, name, table):
        super().__init__(name)
        self.table = table

    def authlib_config(self):
        table = self.table
        scope = table.get("scope", "openid email profile")
        config = {
            "client_id": table["client_id"],
            "client_secret": table["client_secret"],
            "client_kwargs": {"scope": scope, "code_challenge_method": "S256"},
        }
        if "issuer" in table:
            config["server_metadata_url"] = table["issuer"] + "/.well-known/openid-configuration"
        else:
            config["authorize_url"] = table["authorize_url"]
            config["access_token_url"] = table["access_token_url"]
        return config

    def fetch_identity_cb(self, oauth, token):
        table = self.table
        if "issuer" in table:
            claims = token["userinfo"]
        else:
            claims = getattr(oauth, self.name).get(table["userinfo_url"], token=token).json()
        claim = table.get("identity_claim", "email")
        return table.get("identity_attribute", "email"), claims[claim]


def gate():
    """A view behind the decorators that its query configures, with the parameters of our /authz."""
    asked = request.args
    view = lambda: {}  # noqa: E731
    for name in ("permissions_accepted", "permissions_required", "roles_accepted", "roles_required"):
        if name in asked:
            view = getattr(decorators, name)(*asked[name].split(","))(view)
    times = {
        name: lambda seconds=int(asked[name]): datetime.timedelta(seconds=seconds)
        for name in ("within", "grace")
        if name in asked
    }
    methods = asked.get("methods", "session,token").split(",")
    return decorators.auth_required(*methods, **times)(view)()


def build(config):
    """Builds an application with CSRFProtect and the newest models.

    It sends mail only if MAIL_SERVER is set, and has CORS only if it is configured.
    """
    app = Flask(__name__)
    app.config.update({"MAIL_SUPPRESS_SEND": "MAIL_SERVER" not in config, **python_value(config)})
    if "SECURITY_USER_IDENTITY_ATTRIBUTES" in config:
        identity_attributes(app.config["SECURITY_USER_IDENTITY_ATTRIBUTES"])
    db = SQLAlchemy(app)
    fsqla.FsModels.set_db_info(db)

    class Role(db.Model, fsqla.FsRoleMixin):
        pass

    class User(db.Model, fsqla.FsUserMixin):
        pass

    class WebAuthn(db.Model, fsqla.FsWebAuthnMixin):
        pass

    class FsRefreshTracker(db.Model, fsqla.FsRefreshTrackerMixin):
        pass

    flask_wtf.CSRFProtect(app)
    Mail(app)
    if any(key.startswith("CORS_") for key in config):
        CORS(app)
    datastore = SQLAlchemyUserDatastore(db, User, Role, WebAuthn, FsRefreshTracker)
    app.security = Security(app, datastore)
    if app.config["SECURITY_OAUTH_ENABLE"]:
        for name, table in app.config.get("OAUTH_PROVIDERS", {}).items():
            app.security.oauthglue.register_provider_ext(ConfiguredProvider(name, table))
    app.add_url_rule("/gate", view_func=gate, methods=["GET", "POST"])
    with app.app_context():
        db.create_all()
    return app, db


def from_environment():
    with open(os.environ["ORACLE_CONFIG"], encoding="utf-8") as file:
        return build(json.load(file))[0]


# Rounds of the older schemes. They are low because a refused sign-in at vestibule checks one hash of
# every stored kind.
CHEAP = {"bcrypt": 4, "pbkdf2_sha256": 1000, "pbkdf2_sha512": 1000, "sha256_crypt": 1000, "sha512_crypt": 1000}


def hash_of(app, password, scheme):
    """The hash to store for a password. A scheme of None means the configured one."""
    if password is None:
        return None
    if scheme is None:
        return utils.hash_password(password)
    if scheme.endswith(":single"):
        return app.security.pwd_context.handler(scheme.removesuffix(":single")).hash(password)
    hashed = utils.get_hmac(password).decode("ascii")
    if scheme == "bcrypt":
        hashed = hashed[:72]
    return app.security.pwd_context.handler(scheme).using(rounds=CHEAP[scheme]).hash(hashed)


def seed(request):
    """Creates the tables, roles and users.

    Columns are written as given, dates are ISO 8601 strings, and roles are given by name.
    """
    app, db = build(request["config"])
    with app.app_context():
        roles = {
            name: app.security.datastore.create_role(name=name, permissions=set(permissions))
            for name, permissions in request["roles"].items()
        }
        for wanted in request["users"]:
            password = hash_of(app, wanted.pop("password", None), wanted.pop("scheme", None))
            for column in list(wanted):
                if column.endswith("_at") and wanted[column]:
                    wanted[column] = datetime.datetime.fromisoformat(wanted[column])
            wanted["roles"] = [roles[name] for name in wanted.get("roles", [])]
            db.session.add(app.security.datastore.user_model(password=password, **wanted))
        db.session.commit()
        db.engine.dispose()


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *args):
        print(type, message % args, file=sys.stderr, flush=True)


def serve(request, port_out):
    app, _ = build(request["config"])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    with os.fdopen(port_out, "w") as pipe:
        pipe.write(str(server.port))
    server.serve_forever()


def in_child(work, request):
    """Forks, and runs `work` in the child. The child's output goes to its log, never to our
    standard output, which carries the protocol.

    Returns the process ID and what `work` wrote to the pipe.
    """
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        with os.fdopen(out) as pipe:
            return pid, pipe.read()
    code = 1
    try:
        os.close(out)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work(request, into)
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


class Dated(itsdangerous.TimestampSigner):
    """Signs as if it were `age` seconds ago; a negative age is in the future."""

    age = 0

    def get_timestamp(self):
        return int(time.time()) - self.age


def sign(request):
    kind = request["kind"]
    signer = type("Aged", (Dated,), {"age": request.get("age", 0)})
    if kind == "session":
        serializer = itsdangerous.URLSafeTimedSerializer(
            request["secret"],
            salt="cookie-session",
            serializer=TaggedJSONSerializer(),
            signer=signer,
            signer_kwargs={"key_derivation": "hmac"},
        )
    else:
        salt = {"csrf": "wtf-csrf-token"}.get(kind) or core._default_config[f"{kind.upper()}_SALT"]
        serializer = itsdangerous.URLSafeTimedSerializer(
            request["secret"], salt=salt, signer=signer
        )
        if kind == "refresh_token":
            serializer = itsdangerous.URLSafeSerializer(request["secret"], salt=salt)
    return {"value": serializer.dumps(request["payload"])}


def digest(request):
    """Flask-Login's remember cookie: the identity and its keyed digest."""
    value = request["payload"]
    return {"value": f"{value}|{flask_login.utils._cookie_digest(value, key=request['secret'])}"}


def code(request):
    """The one-time code of a key at a time."""
    totp = TOTP(key=request["key"], format="base32")
    return {"value": totp.generate(request["at"]).token}


def seal_key(request):
    """A key as it is stored, encrypted with the newest of the secrets."""
    factory = TOTP.using(secrets=request["secrets"])
    return {"value": factory(key=request["key"], format="base32").to_json(encrypt=True)}


def open_key(request):
    """The key in a stored value."""
    return {"value": TOTP.using(secrets=request["secrets"]).from_source(request["sealed"]).base32_key}


def answer(request, children):
    op = request["op"]
    if op == "serve":
        pid, port = in_child(serve, request)
        children.add(pid)
        return {"pid": pid, "port": int(port)} if port else {"error": "did not start"}
    if op == "stop":
        pid = request["pid"]
        if pid in children:
            children.discard(pid)
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        return {}
    if op == "seed":
        pid, _ = in_child(lambda it, _pipe: seed(it), request)
        _, status = os.waitpid(pid, 0)
        return {} if status == 0 else {"error": "could not seed"}
    if op == "messages":
        return {code: str(text[0]) for code, text in core._default_messages.items()}
    plain = {"sign": sign, "digest": digest, "code": code, "seal_key": seal_key, "open_key": open_key}
    return plain[op](request)


def main():
    children = set()
    try:
        for line in sys.stdin:
            try:
                reply = answer(json.loads(line), children)
            except Exception:
                reply = {"error": traceback.format_exc()}
            print(json.dumps(reply), flush=True)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
