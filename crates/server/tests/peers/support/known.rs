//! The table of declared differences. A difference that no row covers fails the suite, and
//! so does a row that an exchange names without need.

/// What of an exchange is compared.
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
}

/// Why an answer of ours may differ. Three more differences are the same everywhere and
/// are taken out before the comparison: our texts (compared by their stable codes), the
/// members `error_codes`, `field_error_codes` and `explanation`, and the reference's
/// `private=True`, which is no valid Cache-Control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A request that does not ask for JSON gets JSON all the same: no page, no redirect.
    JsonAlways,
    /// 404 and 405 have a body in the envelope instead of a page, are told before anybody
    /// looks at the session, and are never worth caching.
    OwnErrorPages,
    /// OPTIONS is answered without looking at the session.
    PlainOptions,
    /// A mistake of the client that the reference answers with 500, or takes for something
    /// else than was sent, is a 4xx; a cookie that nobody could have been given is none.
    ClientMistake,
    /// Nothing here takes a file: multipart is refused.
    NoMultipart,
    /// A path is matched as it is written, so that what a proxy judged is what is served.
    PathsAsWritten,
    /// `remember: null` means no; and `DEFAULT_REMEMBER_ME` is honoured where JSON says nothing.
    Remember,
    /// `REMEMBER_COOKIE_REFRESH_EACH_REQUEST` renews a remember cookie, and gives none to who
    /// asked for none.
    RememberRenewed,
    /// A remember cookie of somebody who is gone leaves nothing behind in the session.
    GoneWithoutTrace,
    /// Generic responses: one error, however many of the fields were wrong.
    OneGenericError,
    /// A sign-in whose method `WTF_CSRF_METHODS` leaves out is asked for its token all the
    /// same: by the reference's form, which blames a field, by ours as everywhere else.
    CsrfAskedOnce,
    /// A password stored in plain text signs nobody in.
    NoPlaintext,
    /// Who comes by token or basic authentication changes nothing in a session beside it.
    OneCaller,
    /// Basic authentication lets in whom `/login` lets in.
    BasicAsLogin,
    /// A refresh token of somebody who is switched off is refused.
    NoRefreshForTheInactive,
    /// Whoever has an address that was never confirmed is mailed no link that confirms it and
    /// keeps the password that is there, which may be a stranger's.
    NoLinkThatKeepsAPassword,
    /// Grace is earned by whoever is let in, CSRF check and all.
    NoGraceWithoutCsrf,
    /// Generic responses: whether an account was made does not show in a member `user`.
    NobodySeesWhetherOneWasMade,
    /// What unified sign-in sets up and says is not there yet.
    NoUnifiedSignInYet,
    /// Opening a link signs nobody out, and takes no session of a stranger's away.
    NobodyIsSignedOutByALink,
    /// Whoever is switched off gets no new password.
    NoNewPasswordForTheInactive,
    /// A name is not taken away because none was sent.
    NamesStay,
    /// Whoever changes their password by an auth token is not signed in for it.
    NoSignInByToken,
    /// A link that signs in does so once, and nobody whom a password would not.
    LinksWorkOnce,
    /// Whoever has not confirmed is mailed no link that signs in.
    NoLinkForTheUnconfirmed,
    /// Where case matters it does so on MySQL, too, whose usual collation knows none.
    CaseAsConfigured,
    /// An address is also compared as it is stored, whatever today's rules make of it.
    AddressAsStored,
    /// CORS headers go to requests with an Origin, and a preflight is answered by itself.
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
            Self::CsrfAskedOnce => matches!(aspect, Body | Cookies),
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
            | Self::RememberRenewed
            | Self::GoneWithoutTrace
            | Self::OneCaller
            | Self::NobodyIsSignedOutByALink
            | Self::NoGraceWithoutCsrf => aspect == Cookies,
            Self::OneGenericError | Self::NobodySeesWhetherOneWasMade => aspect == Body,
            Self::BasicAsLogin => matches!(
                aspect,
                Status | Body | Aspect::WwwAuthenticate | Cookies | Database
            ),
            Self::NoRefreshForTheInactive => matches!(aspect, Status | Body | Cookies),
            Self::NoLinkThatKeepsAPassword => matches!(aspect, Body | Aspect::Mails),
            Self::NoUnifiedSignInYet => matches!(aspect, Body | Database),
            Self::NoNewPasswordForTheInactive | Self::NamesStay | Self::NoLinkForTheUnconfirmed => {
                matches!(aspect, Status | Body | Cookies | Database | Aspect::Mails)
            }
            Self::NoSignInByToken => matches!(aspect, Cookies | Database),
            Self::LinksWorkOnce => matches!(aspect, Location | Cookies | Database),
            Self::CorsOnRequest => matches!(aspect, Cors | Vary | CacheControl | ContentType),
        }
    }
}
