//! Which issuers are a provider's own.

use serde_json::{Map, Value};

/// The part of a template that stands for the tenant.
const TENANT: &str = "{tenantid}";

/// The issuers of a provider.
#[derive(Debug, Clone)]
pub(super) struct Issuers {
    /// The configured issuer.
    configured: String,
    /// The issuer of tokens with the user's tenant, if it differs.
    template: Option<String>,
}

impl Issuers {
    pub(super) fn new(configured: &str, template: Option<&str>) -> Self {
        Self {
            configured: configured.to_owned(),
            template: template.map(str::to_owned),
        }
    }

    /// Whether a discovery document with this issuer is the provider's.
    pub(super) fn are_named_by(&self, document: &str) -> bool {
        match &self.template {
            Some(template) => document == template,
            None => document == self.configured,
        }
    }

    /// Whether the parameter `iss` of a callback (RFC 9207) names the provider.
    pub(super) fn allow_parameter(&self, iss: &str) -> bool {
        match &self.template {
            Some(template) => tenant_of(template, iss).is_some(),
            None => iss == self.configured,
        }
    }

    /// Whether the claim `iss` of an ID token names the provider, and the tenant of the user.
    pub(super) fn allow_claims(&self, claims: &Map<String, Value>) -> bool {
        let Some(iss) = claims.get("iss").and_then(Value::as_str) else {
            return false;
        };
        match &self.template {
            Some(template) => {
                let tenant = tenant_of(template, iss);
                tenant.is_some() && tenant == claims.get("tid").and_then(Value::as_str)
            }
            None => iss == self.configured,
        }
    }
}

/// The tenant in an issuer: a UUID where the template has its placeholder.
fn tenant_of<'a>(template: &str, issuer: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once(TENANT)?;
    let tenant = issuer.strip_prefix(before)?.strip_suffix(after)?;
    let is_uuid = tenant.len() == 36
        && tenant.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    is_uuid.then_some(tenant)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ANA: &str = "11111111-2222-3333-4444-555555555555";
    const MALLORY: &str = "99999999-2222-3333-4444-555555555555";

    fn allows(issuers: &Issuers, claims: &Value) -> bool {
        issuers.allow_claims(claims.as_object().unwrap())
    }

    #[test]
    fn attack_issuer_of_another_server_is_refused() {
        let issuers = Issuers::new("https://op.example", None);
        assert!(allows(&issuers, &json!({"iss": "https://op.example"})));
        for iss in [
            json!("https://op.example/"),
            json!("https://op.example.evil"),
            json!("HTTPS://op.example"),
            json!(["https://op.example"]),
            json!(null),
        ] {
            assert!(!allows(&issuers, &json!({ "iss": iss })), "{iss}");
        }
        assert!(!allows(&issuers, &json!({})));
    }

    #[test]
    fn attack_issuer_of_another_tenant_is_refused() {
        let template = "https://login.example/{tenantid}/v2.0";
        let issuers = Issuers::new("https://login.example/common/v2.0", Some(template));
        let of = |tenant: &str| format!("https://login.example/{tenant}/v2.0");
        assert!(issuers.are_named_by(template));
        assert!(!issuers.are_named_by("https://login.example/common/v2.0"));
        assert!(allows(&issuers, &json!({"iss": of(ANA), "tid": ANA})));
        for claims in [
            json!({"iss": of(ANA), "tid": MALLORY}),
            json!({"iss": of(ANA)}),
            json!({"iss": of("common"), "tid": "common"}),
            json!({"iss": of("{tenantid}"), "tid": "{tenantid}"}),
            json!({"iss": format!("https://login.example/x/../{ANA}/v2.0"), "tid": ANA}),
            json!({"iss": template, "tid": ANA}),
        ] {
            assert!(!allows(&issuers, &claims), "{claims}");
        }
        assert!(issuers.allow_parameter(&of(ANA)));
        assert!(!issuers.allow_parameter("https://evil.example"));
    }
}
