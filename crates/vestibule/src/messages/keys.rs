//! The messages: their names, stable codes and English texts.

/// Declares the messages once: name, stable code, text.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $code:literal: $text:literal;)*) => {
        /// A message to a user of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Message {
            $($(#[$doc])* $name,)*
        }

        impl Message {
            /// All messages.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable code, for programs.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The English text.
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
    /// A signed-in user called an endpoint that is only for unauthenticated clients.
    AnonymousUserRequired = "ANONYMOUS_USER_REQUIRED": "You are already signed in. Sign out first.";
    /// The address is already confirmed.
    AlreadyConfirmed = "ALREADY_CONFIRMED": "This email address is already confirmed.";
    /// The change of address is confirmed.
    ChangeEmailConfirmed = "CHANGE_EMAIL_CONFIRMED": "Your email address has been changed.";
    /// The link that confirms a new address has expired.
    ChangeEmailExpired = "CHANGE_EMAIL_EXPIRED": "This link expired after %(within)s. Request the change again.";
    /// A one-time code was sent.
    CodeHasBeenSent = "CODE_HAS_BEEN_SENT": "We have sent you a code. Enter it to continue.";
    /// The confirmation link has expired.
    ConfirmationExpired = "CONFIRMATION_EXPIRED": "This link expired after %(within)s. Request a new one.";
    /// The address is not confirmed.
    ConfirmationRequired = "CONFIRMATION_REQUIRED": "Confirm your email address before you sign in.";
    /// The account is deactivated.
    DisabledAccount = "DISABLED_ACCOUNT": "This account has been disabled. Contact support for help.";
    /// Another account has this address.
    EmailAlreadyAssociated = "EMAIL_ALREADY_ASSOCIATED": "An account with the email address %(email)s already exists.";
    /// The address has been confirmed.
    EmailConfirmed = "EMAIL_CONFIRMED": "Your email address is confirmed.";
    /// The email field is empty.
    EmailNotProvided = "EMAIL_NOT_PROVIDED": "Enter an email address.";
    /// The code could not be handed to the mail or SMS transport.
    FailedToSendCode = "FAILED_TO_SEND_CODE": "The code could not be sent. Try again later.";
    /// The same message for every failed sign-in if generic responses are on.
    GenericAuthnFailed = "GENERIC_AUTHN_FAILED": "Sign-in failed. Check your details and try again.";
    /// The same message whether or not a code was sent, if generic responses are on.
    GenericUsSignin = "GENERIC_US_SIGNIN": "If an account matches these details, we have sent a code to its owner. Enter it to sign in.";
    /// Another account has this value of an identity attribute.
    IdentityAlreadyAssociated = "IDENTITY_ALREADY_ASSOCIATED": "The value %(value)s for %(attr)s already belongs to another account. Enter a different one.";
    /// No account has the identity that a social provider named.
    IdentityNotRegistered = "IDENTITY_NOT_REGISTERED": "No account uses the identity %(id)s. Sign in another way, or sign up first.";
    /// The one-time code is wrong, expired or already used.
    InvalidCode = "INVALID_CODE": "This code is invalid or has expired. Request a new one.";
    /// The confirmation link is invalid.
    InvalidConfirmationToken = "INVALID_CONFIRMATION_TOKEN": "This confirmation link is invalid. Request a new one.";
    /// The email field does not contain a valid address.
    InvalidEmailAddress = "INVALID_EMAIL_ADDRESS": "This is not a valid email address.";
    /// A value has the right type but is not allowed.
    InvalidInput = "INVALID_INPUT": "This value is not accepted here.";
    /// The sign-in link is invalid or was already used.
    InvalidLoginToken = "INVALID_LOGIN_TOKEN": "This sign-in link is invalid or has already been used. Request a new one.";
    /// The password is wrong.
    InvalidPassword = "INVALID_PASSWORD": "The password is incorrect.";
    /// The password or the one-time code is wrong.
    InvalidPasswordCode = "INVALID_PASSWORD_CODE": "The password or code is incorrect. Check what you entered and try again.";
    /// The recovery code is wrong or was already used.
    InvalidRecoveryCode = "INVALID_RECOVERY_CODE": "This recovery code is invalid or has already been used. Enter another one.";
    /// `next` points to a host that is not allowed.
    InvalidRedirect = "INVALID_REDIRECT": "The redirect target is not allowed.";
    /// The reset link is invalid or was already used.
    InvalidResetPasswordToken = "INVALID_RESET_PASSWORD_TOKEN": "This password reset link is invalid or has already been used. Request a new one.";
    /// The sign-in link has expired.
    LoginExpired = "LOGIN_EXPIRED": "This link expired after %(within)s. We are sending a new one to %(email)s.";
    /// The user has no recovery codes.
    NoRecoveryCodesSetup = "NO_RECOVERY_CODES_SETUP": "You do not have any recovery codes yet. Create them first.";
    /// The password is on the list of breached passwords.
    PasswordBreached = "PASSWORD_BREACHED": "This password has appeared in a data leak. Choose another one.";
    /// The list of breached passwords could not be queried.
    PasswordBreachedSiteError = "PASSWORD_BREACHED_SITE_ERROR": "The password could not be checked against known data leaks. Try again later.";
    /// The password is too short or too long.
    PasswordInvalidLength = "PASSWORD_INVALID_LENGTH": "Choose a password of %(length)s to 128 characters.";
    /// The new password equals the old one.
    PasswordIsTheSame = "PASSWORD_IS_THE_SAME": "This is the current password. Choose another one.";
    /// The exchange with a social provider failed.
    OauthHandshakeError = "OAUTH_HANDSHAKE_ERROR": "Signing in with this provider did not work (%(exerror)s). Please try again.";
    /// The password field is empty.
    PasswordNotProvided = "PASSWORD_NOT_PROVIDED": "Enter a password.";
    /// The reset link has expired.
    PasswordResetExpired = "PASSWORD_RESET_EXPIRED": "This password reset link expired after %(within)s. Request a new one.";
    /// The password is too easy to guess.
    PasswordTooSimple = "PASSWORD_TOO_SIMPLE": "This password is too easy to guess. Choose another one.";
    /// The phone field does not contain a valid number.
    PhoneInvalid = "PHONE_INVALID": "This phone number is not valid. Enter it with its country code.";
    /// The user has to prove their identity again, because the last proof is too old.
    ReauthenticationRequired = "REAUTHENTICATION_REQUIRED": "Please confirm your identity to continue.";
    /// The refresh token is invalid, expired or revoked.
    RefreshTokenInvalid = "REFRESH_TOKEN_INVALID": "The refresh token is not valid. Sign in again.";
    /// The request has no refresh token.
    RefreshTokenRequired = "REFRESH_TOKEN_REQUIRED": "The refresh token is missing.";
    /// The two passwords differ.
    RetypePasswordMismatch = "RETYPE_PASSWORD_MISMATCH": "The two passwords do not match. Enter them again.";
    /// The method of the second factor was changed.
    TwoFactorChangeMethodSuccessful = "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": "Your second factor has been changed.";
    /// The second factor was turned off.
    TwoFactorDisabled = "TWO_FACTOR_DISABLED": "Your second factor has been turned off.";
    /// The code of the second factor is wrong, expired or already used.
    TwoFactorInvalidToken = "TWO_FACTOR_INVALID_TOKEN": "The code is incorrect or has expired. Enter a current one.";
    /// The code of the second factor is right, and the sign-in is complete.
    TwoFactorLoginSuccessful = "TWO_FACTOR_LOGIN_SUCCESSFUL": "The code is correct. You are signed in.";
    /// The method of the second factor is unknown or not enabled.
    TwoFactorMethodNotAvailable = "TWO_FACTOR_METHOD_NOT_AVAILABLE": "This second factor is not available. Choose another one.";
    /// The session is not in the middle of a sign-in or setup that needs a second factor.
    TwoFactorPermissionDenied = "TWO_FACTOR_PERMISSION_DENIED": "No sign-in is waiting for this step. Sign in again.";
    /// The setup of a second factor was not completed in time.
    TwoFactorSetupExpired = "TWO_FACTOR_SETUP_EXPIRED": "The setup of your second factor expired after %(within)s. Start again.";
    /// The user is signed in but lacks the permission.
    Unauthorized = "UNAUTHORIZED": "You do not have permission to do this.";
    /// The client is not authenticated.
    Unauthenticated = "UNAUTHENTICATED": "Sign in to continue.";
    /// The sign-in methods that are set up.
    UsCurrentMethods = "US_CURRENT_METHODS": "You can sign in with: %(method_list)s.";
    /// The sign-in method is unknown, not enabled or not set up.
    UsMethodNotAvailable = "US_METHOD_NOT_AVAILABLE": "This sign-in method is not available. Choose another one.";
    /// The setup of a sign-in method was not completed in time.
    UsSetupExpired = "US_SETUP_EXPIRED": "The setup of this sign-in method expired after %(within)s. Start again.";
    /// A sign-in method is set up.
    UsSetupSuccessful = "US_SETUP_SUCCESSFUL": "The sign-in method is set up. You can use it from now on.";
    /// The identity field is empty, or no account has this identity.
    UsSpecifyIdentity = "US_SPECIFY_IDENTITY": "Enter a valid identity to sign in, such as your email address.";
    /// The text message with a one-time code. All languages keep to the GSM alphabet, so that it
    /// and its origin-bound last line fit into one SMS.
    UseCode = "USE_CODE": "Your code is %(code)s. Do not share it.";
    /// No user has this identity.
    UserDoesNotExist = "USER_DOES_NOT_EXIST": "No account matches these details. Check what you entered.";
    /// Another account has this username.
    UsernameAlreadyAssociated = "USERNAME_ALREADY_ASSOCIATED": "The username %(username)s is already taken. Choose another one.";
    /// The username field is empty.
    UsernameNotProvided = "USERNAME_NOT_PROVIDED": "Enter a username.";
    /// The username contains a character that is not allowed.
    UsernameDisallowedCharacters = "USERNAME_DISALLOWED_CHARACTERS": "A username may contain only letters and digits. Choose another one.";
    /// The username is too short or too long.
    UsernameInvalidLength = "USERNAME_INVALID_LENGTH": "Choose a username of %(min)s to %(max)s characters.";

    /// The passkey is registered already.
    WebauthnCredentialIdInuse = "WEBAUTHN_CREDENTIAL_ID_INUSE": "This passkey is already registered.";
    /// The passkey was registered for another use.
    WebauthnCredentialWrongUsage = "WEBAUTHN_CREDENTIAL_WRONG_USAGE": "This passkey cannot be used here. Use another one.";
    /// The ceremony took too long.
    WebauthnExpired = "WEBAUTHN_EXPIRED": "The request expired after %(within)s. Start again.";
    /// The passkey belongs to another user.
    WebauthnMismatchUserHandle = "WEBAUTHN_MISMATCH_USER_HANDLE": "This passkey belongs to another account.";
    /// The name of a passkey contains a character that is not allowed.
    WebauthnNameDisallowedCharacters = "WEBAUTHN_NAME_DISALLOWED_CHARACTERS": "The name of a passkey can only contain letters, numbers, spaces, dashes and underscores.";
    /// The user has a passkey with this name.
    WebauthnNameInuse = "WEBAUTHN_NAME_INUSE": "You already have a passkey with the name %(name)s. Choose another one.";
    /// The user has no passkey with this name.
    WebauthnNameNotFound = "WEBAUTHN_NAME_NOT_FOUND": "You have no passkey with the name %(name)s.";
    /// The name of the passkey is missing.
    WebauthnNameRequired = "WEBAUTHN_NAME_REQUIRED": "Enter a name for the passkey.";
    /// The response of the authenticator is not valid.
    WebauthnNoVerify = "WEBAUTHN_NO_VERIFY": "The passkey could not be verified (%(cause)s). Try again.";
    /// No account has the passkey.
    WebauthnUnknownCredentialId = "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": "This passkey is not registered here. Sign in another way.";
    /// A value is too long.
    InvalidInputLength = "INVALID_INPUT_LENGTH": "This value is too long. It can have at most %(length)s characters.";

    // Our own codes, for checks without a code in the reference.

    /// The challenge was used before, or the passkey changed meanwhile.
    WebauthnUsed = "WEBAUTHN_USED": "This response was already used. Start again.";
    /// The username reads as an address or a phone number, which may be another user's.
    UsernameResemblesIdentity = "USERNAME_RESEMBLES_IDENTITY": "A username cannot look like an email address or a phone number. Choose another one.";
    /// The user has no other way to sign in than the one to be removed.
    LastSignInMethod = "LAST_SIGN_IN_METHOD": "You have no other way to sign in. Set up another one first.";
    /// A social provider says that the user's address is not verified.
    OauthAddressNotVerified = "OAUTH_ADDRESS_NOT_VERIFIED": "The provider has not verified your email address. Verify it there, then try again.";
    /// An identity at a social provider is linked to another account.
    OauthAlreadyLinked = "OAUTH_ALREADY_LINKED": "This identity is already linked to another account.";
    /// An identity at a social provider is not linked to any account.
    OauthNotLinked = "OAUTH_NOT_LINKED": "This identity is not linked to your account yet. Sign in another way, then link it.";
    /// The code field is empty.
    PasscodeNotProvided = "PASSCODE_NOT_PROVIDED": "Enter the code.";
    /// The only second factor is a code to the mailbox or phone that served as the first factor.
    SecondFactorOtherChannel = "SECOND_FACTOR_OTHER_CHANNEL": "Your second factor uses the same mailbox or phone as this sign-in. Sign in another way, such as with your password.";
    /// The account requires a second factor, which this version does not support.
    SecondFactorNotServed = "SECOND_FACTOR_NOT_SERVED": "This account requires a second factor, which is not supported here yet. Contact support for help.";
    /// The request has no CSRF token.
    CsrfTokenMissing = "CSRF_TOKEN_MISSING": "The CSRF token is missing.";
    /// The request has a CSRF token, but its session has none.
    CsrfSessionTokenMissing = "CSRF_SESSION_TOKEN_MISSING": "No session matches this CSRF token. Fetch a new one and try again.";
    /// The CSRF token has expired.
    CsrfTokenExpired = "CSRF_TOKEN_EXPIRED": "This CSRF token has expired. Fetch a new one and try again.";
    /// The signature of the CSRF token is invalid.
    CsrfTokenInvalid = "CSRF_TOKEN_INVALID": "This CSRF token is not valid. Fetch a new one and try again.";
    /// The CSRF token belongs to another session.
    CsrfTokenMismatch = "CSRF_TOKEN_MISMATCH": "This CSRF token belongs to another session. Fetch a new one and try again.";
    /// A request over TLS has no `Referer`.
    CsrfReferrerMissing = "CSRF_REFERRER_MISSING": "The Referer header is missing.";
    /// The `Referer` of a request over TLS names another origin.
    CsrfReferrerMismatch = "CSRF_REFERRER_MISMATCH": "The Referer header names another site.";
    /// A browser sent a state-changing request from a site that is not allowed.
    CrossSiteRequest = "CROSS_SITE_REQUEST": "This server does not accept requests from that site.";
    /// The query of `/authz` is invalid.
    AuthzQuery = "AUTHZ_QUERY": "This authorization query is not valid.";
    /// The `Host` header names a host that is not trusted.
    UntrustedHost = "UNTRUSTED_HOST": "This server does not serve the requested host.";
    /// The body could not be parsed.
    MalformedBody = "MALFORMED_BODY": "The request body could not be read.";
    /// The media type of the body is not supported.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE": "This content type is not supported. Send JSON or a form.";
    /// The body is larger than the limit.
    BodyTooLarge = "BODY_TOO_LARGE": "The request body is too large.";
    /// The headers are larger than the limit.
    HeadersTooLarge = "HEADERS_TOO_LARGE": "The request headers are too large. Clear the cookies of this site and try again.";
    /// The path has no route.
    NotFound = "NOT_FOUND": "There is nothing at this address.";
    /// The route does not support this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED": "This HTTP method is not allowed here.";
    /// The request took too long.
    RequestTimeout = "REQUEST_TIMEOUT": "The request took too long. Try again.";
    /// A limit on guesses is reached.
    TooManyAttempts = "TOO_MANY_ATTEMPTS": "There were too many attempts. Wait a while, then try again.";
    /// The queue of password checks is full.
    Busy = "BUSY": "Too many sign-ins are in progress. Try again in a few seconds.";
    /// The database does not answer.
    Unavailable = "UNAVAILABLE": "The service is temporarily unavailable. Try again shortly.";
    /// An internal error occurred.
    InternalError = "INTERNAL_ERROR": "Something went wrong on our side. Try again later.";
}
