//! The issuers of Microsoft, one for each directory (tenant).

/// Where every organisation and every personal account can sign in.
pub(super) const COMMON: &str = "https://login.microsoftonline.com/common/v2.0";

/// Where every organisation can sign in.
const ORGANIZATIONS: &str = "https://login.microsoftonline.com/organizations/v2.0";

/// The directory of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The issuer in ID tokens where more than one directory can sign in.
pub(super) const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

/// The issuer of a directory: its ID, or `common`, `organizations` or `consumers`.
pub(super) fn issuer(tenant: &str) -> Option<String> {
    match tenant {
        "common" => Some(COMMON.to_owned()),
        "organizations" => Some(ORGANIZATIONS.to_owned()),
        "consumers" => Some(TEMPLATE.replace("{tenantid}", PERSONAL)),
        id => {
            let is_id = id.len() == PERSONAL.len()
                && id
                    .bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
            is_id.then(|| TEMPLATE.replace("{tenantid}", &id.to_ascii_lowercase()))
        }
    }
}

/// Whether more than one directory can sign in at an issuer.
pub(super) fn is_shared(issuer: &str) -> bool {
    issuer == COMMON || issuer == ORGANIZATIONS
}
