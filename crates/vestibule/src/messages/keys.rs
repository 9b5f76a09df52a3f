//! The messages by name.

/// Declares the messages once: name, stable code, text.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $code:literal: $text:literal;)*) => {
        /// What can be said to a user of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Message {
            $($(#[$doc])* $name,)*
        }

        impl Message {
            /// Every message.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable code that programs go by.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Our English text.
            #[must_use]
            pub const fn default_text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The message with this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

messages! {
    // Codes of the reference.

    /// A field has a value of the wrong type.
    ApiError = "API_ERROR": "This value does not fit what the API expects.";
    /// Somebody who is signed in asked for what only a stranger may do.
    AnonymousUserRequired = "ANONYMOUS_USER_REQUIRED": "You are signed in already. Sign out first.";
    /// The address was confirmed before.
    AlreadyConfirmed = "ALREADY_CONFIRMED": "This address is confirmed already.";
    /// The new address is in force.
    ChangeEmailConfirmed = "CHANGE_EMAIL_CONFIRMED": "Your new address is in force.";
    /// The link that confirms a new address is too old.
    ChangeEmailExpired = "CHANGE_EMAIL_EXPIRED": "This link was good for %(within)s. Ask for the change again.";
    /// The link that confirms an address is too old.
    ConfirmationExpired = "CONFIRMATION_EXPIRED": "This link was good for %(within)s. Ask for a new one.";
    /// The address was never confirmed.
    ConfirmationRequired = "CONFIRMATION_REQUIRED": "Confirm your email address before you sign in.";
    /// The account was switched off.
    DisabledAccount = "DISABLED_ACCOUNT": "This account has been switched off.";
    /// Somebody has this address.
    EmailAlreadyAssociated = "EMAIL_ALREADY_ASSOCIATED": "There is an account with the address %(email)s already.";
    /// The address is confirmed.
    EmailConfirmed = "EMAIL_CONFIRMED": "Your address is confirmed.";
    /// The email field is empty.
    EmailNotProvided = "EMAIL_NOT_PROVIDED": "Enter an email address.";
    /// The one answer for every failed sign-in when generic responses are on.
    GenericAuthnFailed = "GENERIC_AUTHN_FAILED": "Sign-in failed. Check what you entered and try again.";
    /// The link that confirms an address is not one of ours.
    InvalidConfirmationToken = "INVALID_CONFIRMATION_TOKEN": "This link does not confirm anything.";
    /// The email field holds no email address.
    InvalidEmailAddress = "INVALID_EMAIL_ADDRESS": "This is not a valid email address.";
    /// A value that is of the right type but not acceptable.
    InvalidInput = "INVALID_INPUT": "This value cannot be used here.";
    /// The link that signs in is not one of ours, or was used.
    InvalidLoginToken = "INVALID_LOGIN_TOKEN": "This link does not sign in.";
    /// The password is wrong.
    InvalidPassword = "INVALID_PASSWORD": "This password is not right.";
    /// `next` points away from this site.
    InvalidRedirect = "INVALID_REDIRECT": "The address to go on to is not one of ours.";
    /// The link that resets a password is not one of ours, or was used.
    InvalidResetPasswordToken = "INVALID_RESET_PASSWORD_TOKEN": "This link does not reset a password.";
    /// The link that signs in is too old.
    LoginExpired = "LOGIN_EXPIRED": "This link was good for %(within)s. A new one is on its way to %(email)s.";
    /// The password is on a list of passwords that leaked.
    PasswordBreached = "PASSWORD_BREACHED": "This password is on a list of leaked passwords. Choose another.";
    /// The list of passwords that leaked could not be asked.
    PasswordBreachedSiteError = "PASSWORD_BREACHED_SITE_ERROR": "The password could not be checked against leaked ones. Try again later.";
    /// The password is too short, or too long.
    PasswordInvalidLength = "PASSWORD_INVALID_LENGTH": "A password has at least %(length)s characters, and at most 128.";
    /// The new password is the old one.
    PasswordIsTheSame = "PASSWORD_IS_THE_SAME": "The new password is the old one.";
    /// The password field is empty.
    PasswordNotProvided = "PASSWORD_NOT_PROVIDED": "Enter a password.";
    /// The link that resets a password is too old.
    PasswordResetExpired = "PASSWORD_RESET_EXPIRED": "This link for a new password was good for %(within)s. Ask for another.";
    /// The password is easy to guess.
    PasswordTooSimple = "PASSWORD_TOO_SIMPLE": "This password is easy to guess. Choose another.";
    /// The proof of identity is too old for this.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED": "Show once more that it is you.";
    /// A refresh token that does not count, or not any more.
    RefreshTokenInvalid = "REFRESH_TOKEN_INVALID": "This refresh token does not count. Sign in again.";
    /// No refresh token came.
    RefreshTokenRequired = "REFRESH_TOKEN_REQUIRED": "A refresh token is needed.";
    /// The two passwords differ.
    RetypePasswordMismatch = "RETYPE_PASSWORD_MISMATCH": "The two passwords are not the same.";
    /// Signed in, and not allowed to.
    Unauthorized = "UNAUTHORIZED": "You are not allowed to do this.";
    /// Nobody is signed in.
    Unauthenticated = "UNAUTHENTICATED": "Sign in to see this.";
    /// Nobody has this identity.
    UserDoesNotExist = "USER_DOES_NOT_EXIST": "There is no account with this identity.";
    /// Somebody has this name.
    UsernameAlreadyAssociated = "USERNAME_ALREADY_ASSOCIATED": "The name %(username)s is taken.";
    /// The username field is empty.
    UsernameNotProvided = "USERNAME_NOT_PROVIDED": "Enter a username.";
    /// The username holds a character that usernames may not have.
    UsernameDisallowedCharacters = "USERNAME_DISALLOWED_CHARACTERS": "A username has letters and digits only.";
    /// The username is too short or too long.
    UsernameInvalidLength = "USERNAME_INVALID_LENGTH": "A username has %(min)s to %(max)s characters.";

    // Codes of ours, for checks that the reference has no code for.

    /// A username could be another user's address or phone number.
    UsernameResemblesIdentity = "USERNAME_RESEMBLES_IDENTITY": "A username cannot look like an email address or a phone number. Choose another one.";
    /// The account needs a second factor, which this version cannot ask for.
    SecondFactorNotServed = "SECOND_FACTOR_NOT_SERVED": "This account needs a second factor, which cannot be asked for here yet.";
    /// No CSRF token came with the request.
    CsrfTokenMissing = "CSRF_TOKEN_MISSING": "The CSRF token is not there.";
    /// A CSRF token came, but no session that it could belong to.
    CsrfSessionTokenMissing = "CSRF_SESSION_TOKEN_MISSING": "The session has no CSRF token to compare with.";
    /// The CSRF token is too old.
    CsrfTokenExpired = "CSRF_TOKEN_EXPIRED": "The CSRF token is too old.";
    /// The CSRF token is not one that we signed.
    CsrfTokenInvalid = "CSRF_TOKEN_INVALID": "The CSRF token is not valid.";
    /// The CSRF token belongs to another session.
    CsrfTokenMismatch = "CSRF_TOKEN_MISMATCH": "The CSRF token belongs to another session.";
    /// A request over TLS came without a Referer.
    CsrfReferrerMissing = "CSRF_REFERRER_MISSING": "The Referer header is not there.";
    /// A request over TLS came with a foreign Referer.
    CsrfReferrerMismatch = "CSRF_REFERRER_MISMATCH": "The Referer header names another site.";
    /// A browser sent a state-changing request from a site that is not allowed to.
    CrossSiteRequest = "CROSS_SITE_REQUEST": "Requests from that site are not accepted.";
    /// The query of `/authz` is not one that can be judged.
    AuthzQuery = "AUTHZ_QUERY": "The query does not say what to decide.";
    /// The Host header names a host that is not ours.
    UntrustedHost = "UNTRUSTED_HOST": "This server does not answer for that host.";
    /// The body is not JSON.
    MalformedBody = "MALFORMED_BODY": "The body could not be read.";
    /// The body is of a media type that is not read here.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE": "Send JSON or a form.";
    /// The body is larger than the limit.
    BodyTooLarge = "BODY_TOO_LARGE": "The body is too large.";
    /// The headers are larger than the limit.
    HeadersTooLarge = "HEADERS_TOO_LARGE": "The headers are too large.";
    /// There is nothing at this path.
    NotFound = "NOT_FOUND": "There is nothing here.";
    /// The path does not take this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED": "This method is not allowed here.";
    /// The request took too long.
    RequestTimeout = "REQUEST_TIMEOUT": "The request took too long.";
    /// Too many passwords are being checked at this moment.
    Busy = "BUSY": "Too many sign-ins at this moment. Try again in a few seconds.";
    /// The database does not answer.
    Unavailable = "UNAVAILABLE": "The service cannot answer at this moment. Try again shortly.";
    /// Something went wrong inside.
    InternalError = "INTERNAL_ERROR": "Something went wrong on our side.";
}
