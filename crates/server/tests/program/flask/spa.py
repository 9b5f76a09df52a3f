"""The settings of a single-page app in its Flask backend."""

import flask_wtf
from flask_security import Security, SQLAlchemyUserDatastore

# The app displays messages itself.
SECURITY_FLASH_MESSAGES = False

# The accounts are part of the app's API.
SECURITY_URL_PREFIX = '/api/accounts'

# Features.
SECURITY_RECOVERABLE = True
SECURITY_TRACKABLE = True
SECURITY_CHANGEABLE = True
SECURITY_CONFIRMABLE = True
SECURITY_REGISTERABLE = True
SECURITY_UNIFIED_SIGNIN = True

# Pages of the app that links redirect to.
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
SECURITY_RESET_VIEW = "/reset-password"
SECURITY_RESET_ERROR_VIEW = "/reset-password-error"
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_OAUTH_LOGIN_VIEW = "/post-oauth-login"
SECURITY_POST_OAUTH_VERIFY_VIEW = "/post-oauth-verify"
SECURITY_VERIFY_ERROR_VIEW = "/verify-error"
SECURITY_REDIRECT_BEHAVIOR = "spa"

# Browsers need CSRF protection; clients with tokens do not.
SECURITY_CSRF_PROTECT_MECHANISMS = ["session", "basic"]
SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = True
SECURITY_CSRF_COOKIE_NAME = "XSRF-TOKEN"
WTF_CSRF_CHECK_DEFAULT = False
WTF_CSRF_TIME_LIMIT = None

flask_wtf.CSRFProtect(app)
user_datastore = SQLAlchemyUserDatastore(db, User, Role)
security = Security(app, user_datastore)
security.unauthz_handler(lambda func_name, params: ("no", 403))
