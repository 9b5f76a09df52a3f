//! The table of declared differences. A difference that is not declared fails the suite, and so
//! does a declaration that an exchange does not need.

/// The parts of an exchange that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    Status,
    Body,
    Cookies,
    Location,
    WwwAuthenticate,
    Vary,
    CacheControl,
    Allow,
    ContentType,
    Cors,
    Database,
    Mails,
    Sms,
}

/// Why an answer of ours may differ.
///
/// Three more differences occur everywhere and are removed before the comparison: our texts
/// (compared by their stable codes), the members `error_codes`, `field_error_codes` and
/// `explanation`, and the reference's `private=True`, which is not a valid `Cache-Control`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A request that does not ask for JSON still gets JSON, not a page or a redirect.
    JsonAlways,
    /// 404 and 405 have the envelope instead of a page, are answered without reading the session,
    /// and are never cached.
    OwnErrorPages,
    /// OPTIONS is answered without reading the session.
    PlainOptions,
    /// A client mistake that the reference answers with 500 or misreads is a 4xx. A signed cookie
    /// with contents that no server issues is ignored.
    ClientMistake,
    /// Multipart bodies are refused, because no endpoint accepts a file.
    NoMultipart,
    /// A path is matched as it is written, so that vestibule serves the path that a proxy checked.
    PathsAsWritten,
    /// `remember: null` means no, and `DEFAULT_REMEMBER_ME` applies to JSON without `remember`.
    Remember,
    /// `REMEMBER_COOKIE_REFRESH_EACH_REQUEST` renews an existing remember cookie, and sets none for
    /// a user who did not ask to be remembered.
    RememberRenewed,
    /// The remember cookie of a deleted or deactivated user leaves nothing in the session.
    NoTraceOfDeletedUser,
    /// Generic responses contain one error, however many fields were wrong.
    OneGenericError,
    /// A sign-in needs a CSRF token even if `WTF_CSRF_METHODS` omits its method. The reference's
    /// form reports a field error; ours reports the same error as everywhere else.
    CsrfIsNoFieldError,
    /// A password stored in plain text never signs a user in.
    NoPlaintext,
    /// A request with a token or with basic authentication changes nothing in a session sent with
    /// it.
    OneCaller,
    /// Basic authentication accepts only users who may sign in at `/login`.
    BasicAsLogin,
    /// A refresh token of a deactivated user is refused.
    NoRefreshForTheInactive,
    /// Registering an address that was never confirmed mails no confirmation link: confirming would
    /// keep the existing password, which may be an attacker's.
    NoLinkThatKeepsAPassword,
    /// The grace period is granted only after every check, the CSRF check included.
    NoGraceWithoutCsrf,
    /// With generic responses, the member `user` does not reveal whether an account was created.
    GenericUserMember,
    /// Opening a confirmation link signs no user out and leaves another user's session alone.
    LinkSignsNoUserOut,
    /// A deactivated user cannot reset the password.
    NoNewPasswordForTheInactive,
    /// A request without a username does not remove the stored one.
    UsernameIsKept,
    /// A password change with an auth token does not sign the user in.
    NoSignInByToken,
    /// A sign-in link works once, and only for a user who could sign in with a password.
    LinksWorkOnce,
    /// An unconfirmed user is not mailed a sign-in link.
    NoLinkForTheUnconfirmed,
    /// Comparisons that respect case do so on MySQL too, whose usual collation ignores case.
    CaseAsConfigured,
    /// An address is also compared as it was typed, without today's normalisation, so that older
    /// rows can sign in.
    AddressAsStored,
    /// A one-time code works once.
    CodesWorkOnce,
    /// `/tf-validate` with nothing to validate signs no user out.
    OutOfOrderSignsNoUserOut,
    /// A phone number is stored with its first code, and in `E.164`.
    NumberStoredWithItsCode,
    /// A token of `/tf-setup` or `/us-setup` is valid only for the user it was issued to.
    SetupBelongsToUser,
    /// A sign-in that waits for its second factor ends after `TWO_FACTOR_SETUP_WITHIN`, and when its
    /// user is deactivated.
    PendingSignInEnds,
    /// A sign-in that waits for the set-up of a factor ends if its user set one up elsewhere.
    SetUpElsewhere,
    /// A recovery code is accepted without hyphens and in capitals.
    RecoveryCodesAsTyped,
    /// A sign-in cannot remove the second factor that it has to set up.
    NoRemovalDuringSignIn,
    /// A sign-in link leads to the second factor, too. A link that does redirects with
    /// `tf_required`.
    LinksToSecondFactor,
    /// The method `mail` is set up as `email`, and its code is sent.
    OlderNameOfEmail,
    /// A list is not accepted as a value.
    NoListForText,
    /// A boolean is not accepted as a password or code.
    NoBooleanForCode,
    /// `chosen_method: null` and `delete_method: null` are treated as absent.
    NullIsAbsent,
    /// A missing identity is reported as one that is not valid.
    MissingIdentity,
    /// A code that a client sends as a number is filled up with zeros.
    NumbersKeepTheirZeros,
    /// With generic responses, `/us-signin/send-code` answers every well-formed request alike.
    CodesTellNothing,
    /// A password is neither set up nor removed at `/us-setup`.
    PasswordIsNoSetup,
    /// The own phone number can be set up again.
    OwnNumberAgain,
    /// The list of methods of a user without any is empty.
    NoNullMethod,
    /// With generic responses, only the owner of a phone number learns that another account has it.
    TakenNumberToldToItsOwner,
    /// A link with a wrong code redirects without naming the user.
    LinkNamesNoUser,
    /// A link with a code signs in only users who may sign in.
    LinkOnlyForWhoMaySignIn,
    /// The state of one ceremony with a passkey is not accepted for another, or for another user.
    StateForOnePurpose,
    /// Only a passkey of the user who gave the password is the second factor.
    PasskeyOfTheSameUser,
    /// A passkey of a deactivated user changes nothing, neither its sign count nor the session.
    RefusedPasskeyChangesNothing,
    /// A completed sign-in leaves nothing of its second factor in the session. The reference does if
    /// `TWO_FACTOR` is off.
    PendingSignInLeavesNothing,
    /// The challenge of a passkey is accepted once.
    ChallengesWorkOnce,
    /// A passkey does not sign in an unconfirmed user.
    PasskeyOfTheUnconfirmed,
    /// A passkey is not accepted from a frame in a page of another origin.
    NoFramesOfOtherSites,
    /// An accent that is typed as a separate character is accepted in a name.
    SeparateAccents,
    /// A token binding in client data is ignored.
    NoTokenBinding,
    /// The outputs of extensions are also read as `PublicKeyCredential.toJSON()` returns them.
    ExtensionsOfToJson,
    /// A reply of a provider that is not right redirects with an error instead of 500.
    ProviderMistake,
    /// A sign-in at a provider passes an allowed `next` on to the app's view.
    NextIsPassedOn,
    /// A sign-in at a provider that needs a second factor redirects to the app's view.
    SecondFactorInTheApp,
    /// The flow of a provider that denied it leaves the session.
    DeniedFlowsEnd,
    /// CORS headers are sent only for requests with an `Origin`, and a preflight is answered before
    /// the endpoint.
    CorsOnRequest,
}

impl Known {
    pub(crate) fn covers(self, aspect: Aspect) -> bool {
        use Aspect::{
            Body, CacheControl, ContentType, Cookies, Cors, Database, Location, Status, Vary,
        };
        match self {
            Self::JsonAlways => matches!(aspect, Status | Body | Location | ContentType),
            Self::OwnErrorPages => {
                matches!(aspect, Body | ContentType | CacheControl | Vary | Cookies)
            }
            Self::PlainOptions => matches!(aspect, ContentType | CacheControl | Vary | Cookies),
            Self::CsrfIsNoFieldError => matches!(aspect, Body | Cookies),
            Self::NoPlaintext | Self::CaseAsConfigured | Self::AddressAsStored => {
                matches!(aspect, Status | Body | Cookies | Database)
            }
            Self::ClientMistake | Self::NoMultipart | Self::PathsAsWritten => {
                matches!(
                    aspect,
                    Status
                        | Body
                        | ContentType
                        | CacheControl
                        | Vary
                        | Cookies
                        | Database
                        | Aspect::WwwAuthenticate
                )
            }
            Self::Remember
            | Self::DeniedFlowsEnd
            | Self::RememberRenewed
            | Self::NoTraceOfDeletedUser
            | Self::OneCaller
            | Self::LinkSignsNoUserOut
            | Self::OutOfOrderSignsNoUserOut
            | Self::PendingSignInLeavesNothing
            | Self::NoGraceWithoutCsrf => aspect == Cookies,
            Self::OneGenericError
            | Self::GenericUserMember
            | Self::NoBooleanForCode
            | Self::NullIsAbsent
            | Self::MissingIdentity
            | Self::CodesTellNothing
            | Self::NoNullMethod => aspect == Body,
            Self::BasicAsLogin => matches!(
                aspect,
                Status | Body | Aspect::WwwAuthenticate | Cookies | Database
            ),
            Self::NoRefreshForTheInactive => matches!(aspect, Status | Body | Cookies),
            Self::NoLinkThatKeepsAPassword => matches!(aspect, Body | Aspect::Mails),
            Self::NoNewPasswordForTheInactive
            | Self::UsernameIsKept
            | Self::NoLinkForTheUnconfirmed => {
                matches!(aspect, Status | Body | Cookies | Database | Aspect::Mails)
            }
            Self::NoSignInByToken => matches!(aspect, Cookies | Database),
            Self::LinksWorkOnce => matches!(aspect, Location | Cookies | Database),
            Self::CodesWorkOnce
            | Self::PendingSignInEnds
            | Self::SetUpElsewhere
            | Self::SetupBelongsToUser
            | Self::RecoveryCodesAsTyped
            | Self::NumbersKeepTheirZeros
            | Self::NoRemovalDuringSignIn => {
                matches!(aspect, Status | Body | Cookies | Database)
            }
            Self::OlderNameOfEmail => matches!(aspect, Body | Cookies | Aspect::Mails),
            Self::NumberStoredWithItsCode => matches!(aspect, Body | Database | Aspect::Sms),
            Self::LinksToSecondFactor => {
                matches!(aspect, Status | Body | Location | Cookies | Database)
            }
            Self::NoListForText => {
                matches!(aspect, Status | Body | Cookies | Database | Aspect::Mails)
            }
            Self::PasswordIsNoSetup => matches!(
                aspect,
                Status | Body | ContentType | Cookies | Database | CacheControl | Vary
            ),
            Self::OwnNumberAgain | Self::TakenNumberToldToItsOwner => {
                matches!(aspect, Status | Body | Aspect::Sms)
            }
            Self::StateForOnePurpose
            | Self::PasskeyOfTheSameUser
            | Self::ChallengesWorkOnce
            | Self::PasskeyOfTheUnconfirmed
            | Self::NoFramesOfOtherSites
            | Self::SeparateAccents
            | Self::NoTokenBinding => matches!(aspect, Status | Body | Cookies | Database),
            Self::ExtensionsOfToJson => matches!(aspect, Body | Database),
            Self::RefusedPasskeyChangesNothing => matches!(aspect, Cookies | Database),
            Self::ProviderMistake => matches!(
                aspect,
                Status | Body | Location | ContentType | CacheControl | Vary | Cookies
            ),
            Self::LinkNamesNoUser | Self::NextIsPassedOn => aspect == Location,
            Self::SecondFactorInTheApp => {
                matches!(aspect, Status | Body | Location | ContentType | Cookies)
            }
            Self::LinkOnlyForWhoMaySignIn => matches!(aspect, Location | Cookies | Database),
            Self::CorsOnRequest => matches!(aspect, Cors | Vary | CacheControl | ContentType),
        }
    }
}
