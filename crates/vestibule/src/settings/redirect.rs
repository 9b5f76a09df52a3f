//! Settings of redirect targets.

use vestibule_formats::redirect::host_in_ascii;

use super::check::is_host;
use super::reader::Reader;

/// Settings of redirect targets: `SECURITY_REDIRECT_*`.
#[derive(Debug, Clone)]
pub struct RedirectSettings {
    /// The host of the app's own views, if it is not this host.
    pub redirect_host: Option<String>,
    /// The domain whose subdomains are allowed as targets.
    pub subdomains_of: Option<String>,
    /// Further hosts that are allowed as targets.
    pub allowed_hosts: Vec<String>,
}

impl RedirectSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let base = host(reader, "SECURITY_REDIRECT_BASE_DOMAIN");
        let subdomains = reader.list("SECURITY_REDIRECT_ALLOWED_SUBDOMAINS");
        for name in &subdomains {
            if name != "." && !is_host(name) {
                reader.problem(
                    "SECURITY_REDIRECT_ALLOWED_SUBDOMAINS",
                    format!("{name:?} is not a subdomain"),
                    "write only its name, such as \"app\", or \".\" for the domain itself",
                );
            }
        }
        let allowed_hosts = base
            .iter()
            .flat_map(|base| {
                subdomains
                    .iter()
                    .map(move |subdomain| match subdomain.as_str() {
                        "." => base.clone(),
                        name => format!("{name}.{base}"),
                    })
            })
            .collect();
        let _ = reader.word("SECURITY_REDIRECT_BEHAVIOR", &[("spa", ())]);
        Self {
            redirect_host: host(reader, "SECURITY_REDIRECT_HOST"),
            subdomains_of: if reader.flag("SECURITY_REDIRECT_ALLOW_SUBDOMAINS") {
                reader.optional_text("SERVER_NAME")
            } else {
                None
            },
            allowed_hosts,
        }
    }
}

fn host(reader: &mut Reader<'_>, key: &str) -> Option<String> {
    let text = reader.optional_text(key)?;
    let host = host_in_ascii(&text).unwrap_or(text);
    if !is_host(&host) {
        reader.problem(
            key,
            format!("{host:?} is not a host"),
            "write a name without a scheme and a path, such as \"localhost:8080\"",
        );
    }
    Some(host)
}
