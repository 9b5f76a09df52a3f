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
}

/// Why an answer of ours may differ. Three more differences are the same everywhere and
/// are taken out before the comparison: our texts (compared by their stable codes), the
/// members `error_codes`, `field_error_codes` and `explanation`, and the reference's
/// `private=True`, which is no valid Cache-Control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A request that does not ask for JSON gets JSON all the same: no page, no redirect.
    JsonAlways,
    /// 404 and 405 have a body in the envelope instead of a page, and the headers of every
    /// other answer.
    OwnErrorPages,
    /// A mistake of the client that the reference answers with 500, or takes for something
    /// else than was sent, is a 4xx.
    ClientMistake,
    /// `remember: null` means no; and `DEFAULT_REMEMBER_ME` is honoured where JSON says nothing.
    Remember,
}

impl Known {
    pub(crate) fn covers(self, aspect: Aspect) -> bool {
        use Aspect::{Body, CacheControl, ContentType, Cookies, Database, Location, Status, Vary};
        match self {
            Self::JsonAlways => matches!(aspect, Status | Body | Location | ContentType),
            Self::OwnErrorPages => matches!(aspect, Body | ContentType | CacheControl | Vary),
            Self::ClientMistake => {
                matches!(
                    aspect,
                    Status | Body | ContentType | CacheControl | Vary | Cookies | Database
                )
            }
            Self::Remember => matches!(aspect, Cookies),
        }
    }
}
