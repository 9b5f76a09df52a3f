import os
from datetime import timedelta as span

from flask import Flask
from flask_security import uia_email_mapper, uia_phone_mapper

BASE = "/api"
DAY = 24 * 60 * 60
SENDER: str = "accounts" "@" + 'example.com'


def create_app(test_config=None):
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
    app.config['SECURITY_PASSWORD_SALT'] = os.environ.get("SALT", "dGVzdA-salt-of-the-file")
    app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DATABASE_URL") or "sqlite:///app.db"
    app.config.from_mapping(
        SECURITY_URL_PREFIX=BASE + "/accounts",
        SECURITY_REGISTERABLE=True,
        SECURITY_WEBAUTHN=True,
        SECURITY_TOTP_SECRETS={1: "aW4gdGhlIGZpbGUgaXRzZWxm"},
        SECURITY_EMAIL_SENDER=SENDER,
        SECURITY_TOKEN_EXPIRE_TIMESTAMP=lambda user: 0,
    )
    app.config.update({
        "PERMANENT_SESSION_LIFETIME": span(days=1, hours=12),
        "REMEMBER_COOKIE_DURATION": 30 * DAY,
        "SECURITY_FRESHNESS": span(minutes=-1),
        "MAX_CONTENT_LENGTH": 16 * 1_024,
        "MAIL_PORT": int(os.environ.get("MAIL_PORT", 0x24B)),
        'COMPANY_NAME': f"{BASE}!",
    })
    app.config["SECURITY_USER_IDENTITY_ATTRIBUTES"] = [
        {"email": {"mapper": uia_email_mapper, "case_insensitive": True}},
        {"us_phone_number": {"mapper": uia_phone_mapper}},
    ]
    app.config["SECURITY_MSG_INVALID_PASSWORD"] = ("That is \"not\" it.", "error")
    app.config["SECURITY_TRACKABEL"] = True
    app.config["SECURITY_POST_LOGIN_VIEW"] = ".home"
    app.config["SECURITY_CSRF_COOKIE"] = dict(samesite="Lax", secure=True)
    if test_config is None:
        app.config["SECURITY_PASSWORD_LENGTH_MIN"] = 12
    app.config["SECURITY_LOGIN_URL"] = f"{BASE}/in"
    app.config.from_pyfile("local.py", silent=True)
    return app
