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
    ApiError = "API_ERROR": "This value has the wrong type.";
    /// Somebody who is signed in asked for what only a stranger may do.
    AnonymousUserRequired = "ANONYMOUS_USER_REQUIRED": "You are already signed in. Sign out first.";
    /// The address was confirmed before.
    AlreadyConfirmed = "ALREADY_CONFIRMED": "This email address is already confirmed.";
    /// The new address is in force.
    ChangeEmailConfirmed = "CHANGE_EMAIL_CONFIRMED": "Your email address has been changed.";
    /// The link that confirms a new address is too old.
    ChangeEmailExpired = "CHANGE_EMAIL_EXPIRED": "This link expired after %(within)s. Request the change again.";
    /// The link that confirms an address is too old.
    ConfirmationExpired = "CONFIRMATION_EXPIRED": "This link expired after %(within)s. Request a new one.";
    /// The address was never confirmed.
    ConfirmationRequired = "CONFIRMATION_REQUIRED": "Confirm your email address before you sign in.";
    /// The account was switched off.
    DisabledAccount = "DISABLED_ACCOUNT": "This account has been disabled. Contact support for help.";
    /// Somebody has this address.
    EmailAlreadyAssociated = "EMAIL_ALREADY_ASSOCIATED": "An account with the email address %(email)s already exists.";
    /// The address is confirmed.
    EmailConfirmed = "EMAIL_CONFIRMED": "Your email address is confirmed.";
    /// The email field is empty.
    EmailNotProvided = "EMAIL_NOT_PROVIDED": "Enter an email address.";
    /// The one answer for every failed sign-in when generic responses are on.
    GenericAuthnFailed = "GENERIC_AUTHN_FAILED": "Sign-in failed. Check your details and try again.";
    /// The link that confirms an address is not one of ours.
    InvalidConfirmationToken = "INVALID_CONFIRMATION_TOKEN": "This confirmation link is invalid. Request a new one.";
    /// The email field holds no email address.
    InvalidEmailAddress = "INVALID_EMAIL_ADDRESS": "This is not a valid email address.";
    /// A value that is of the right type but not acceptable.
    InvalidInput = "INVALID_INPUT": "This value is not accepted here.";
    /// The link that signs in is not one of ours, or was used.
    InvalidLoginToken = "INVALID_LOGIN_TOKEN": "This sign-in link is invalid or has already been used. Request a new one.";
    /// The password is wrong.
    InvalidPassword = "INVALID_PASSWORD": "The password is incorrect.";
    /// `next` points away from this site.
    InvalidRedirect = "INVALID_REDIRECT": "The redirect target is not allowed.";
    /// The link that resets a password is not one of ours, or was used.
    InvalidResetPasswordToken = "INVALID_RESET_PASSWORD_TOKEN": "This password reset link is invalid or has already been used. Request a new one.";
    /// The link that signs in is too old.
    LoginExpired = "LOGIN_EXPIRED": "This link expired after %(within)s. We are sending a new one to %(email)s.";
    /// The password is on a list of passwords that leaked.
    PasswordBreached = "PASSWORD_BREACHED": "This password has appeared in a data leak. Choose another one.";
    /// The list of passwords that leaked could not be asked.
    PasswordBreachedSiteError = "PASSWORD_BREACHED_SITE_ERROR": "The password could not be checked against known data leaks. Try again later.";
    /// The password is too short, or too long.
    PasswordInvalidLength = "PASSWORD_INVALID_LENGTH": "Choose a password of %(length)s to 128 characters.";
    /// The new password is the old one.
    PasswordIsTheSame = "PASSWORD_IS_THE_SAME": "This is the current password. Choose another one.";
    /// The password field is empty.
    PasswordNotProvided = "PASSWORD_NOT_PROVIDED": "Enter a password.";
    /// The link that resets a password is too old.
    PasswordResetExpired = "PASSWORD_RESET_EXPIRED": "This password reset link expired after %(within)s. Request a new one.";
    /// The password is easy to guess.
    PasswordTooSimple = "PASSWORD_TOO_SIMPLE": "This password is too easy to guess. Choose another one.";
    /// The proof of identity is too old for this.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED": "Please confirm your identity to continue.";
    /// A refresh token that does not count, or not any more.
    RefreshTokenInvalid = "REFRESH_TOKEN_INVALID": "The refresh token is not valid. Sign in again.";
    /// No refresh token came.
    RefreshTokenRequired = "REFRESH_TOKEN_REQUIRED": "The refresh token is missing.";
    /// The two passwords differ.
    RetypePasswordMismatch = "RETYPE_PASSWORD_MISMATCH": "The two passwords do not match. Enter them again.";
    /// Signed in, and not allowed to.
    Unauthorized = "UNAUTHORIZED": "You do not have permission to do this.";
    /// Nobody is signed in.
    Unauthenticated = "UNAUTHENTICATED": "Sign in to continue.";
    /// Nobody has this identity.
    UserDoesNotExist = "USER_DOES_NOT_EXIST": "No account matches these details. Check what you entered.";
    /// Somebody has this name.
    UsernameAlreadyAssociated = "USERNAME_ALREADY_ASSOCIATED": "The username %(username)s is already taken. Choose another one.";
    /// The username field is empty.
    UsernameNotProvided = "USERNAME_NOT_PROVIDED": "Enter a username.";
    /// The username holds a character that usernames may not have.
    UsernameDisallowedCharacters = "USERNAME_DISALLOWED_CHARACTERS": "A username may contain only letters and digits. Choose another one.";
    /// The username is too short or too long.
    UsernameInvalidLength = "USERNAME_INVALID_LENGTH": "Choose a username of %(min)s to %(max)s characters.";

    // Codes of ours, for checks that the reference has no code for.

    /// A username could be another user's address or phone number.
    UsernameResemblesIdentity = "USERNAME_RESEMBLES_IDENTITY": "A username cannot look like an email address or a phone number. Choose another one.";
    /// The account needs a second factor, which this version cannot ask for.
    SecondFactorNotServed = "SECOND_FACTOR_NOT_SERVED": "This account requires a second factor, which is not supported here yet. Contact support for help.";
    /// No CSRF token came with the request.
    CsrfTokenMissing = "CSRF_TOKEN_MISSING": "The CSRF token is missing.";
    /// A CSRF token came, but no session that it could belong to.
    CsrfSessionTokenMissing = "CSRF_SESSION_TOKEN_MISSING": "No session matches this CSRF token. Fetch a new one and try again.";
    /// The CSRF token is too old.
    CsrfTokenExpired = "CSRF_TOKEN_EXPIRED": "This CSRF token has expired. Fetch a new one and try again.";
    /// The CSRF token is not one that we signed.
    CsrfTokenInvalid = "CSRF_TOKEN_INVALID": "This CSRF token is not valid. Fetch a new one and try again.";
    /// The CSRF token belongs to another session.
    CsrfTokenMismatch = "CSRF_TOKEN_MISMATCH": "This CSRF token belongs to another session. Fetch a new one and try again.";
    /// A request over TLS came without a Referer.
    CsrfReferrerMissing = "CSRF_REFERRER_MISSING": "The Referer header is missing.";
    /// A request over TLS came with a foreign Referer.
    CsrfReferrerMismatch = "CSRF_REFERRER_MISMATCH": "The Referer header names another site.";
    /// A browser sent a state-changing request from a site that is not allowed to.
    CrossSiteRequest = "CROSS_SITE_REQUEST": "This server does not accept requests from that site.";
    /// The query of `/authz` is not one that can be judged.
    AuthzQuery = "AUTHZ_QUERY": "This authorization query is not valid.";
    /// The Host header names a host that is not ours.
    UntrustedHost = "UNTRUSTED_HOST": "This server does not serve the requested host.";
    /// The body is not JSON.
    MalformedBody = "MALFORMED_BODY": "The request body could not be read.";
    /// The body is of a media type that is not read here.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE": "This content type is not supported. Send JSON or a form.";
    /// The body is larger than the limit.
    BodyTooLarge = "BODY_TOO_LARGE": "The request body is too large.";
    /// The headers are larger than the limit.
    HeadersTooLarge = "HEADERS_TOO_LARGE": "The request headers are too large. Clear the cookies of this site and try again.";
    /// There is nothing at this path.
    NotFound = "NOT_FOUND": "There is nothing at this address.";
    /// The path does not take this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED": "This HTTP method is not allowed here.";
    /// The request took too long.
    RequestTimeout = "REQUEST_TIMEOUT": "The request took too long. Try again.";
    /// Too many passwords are being checked at this moment.
    Busy = "BUSY": "Too many sign-ins are in progress. Try again in a few seconds.";
    /// The database does not answer.
    Unavailable = "UNAVAILABLE": "The service is temporarily unavailable. Try again shortly.";
    /// Something went wrong inside.
    InternalError = "INTERNAL_ERROR": "Something went wrong on our side. Try again later.";
}
