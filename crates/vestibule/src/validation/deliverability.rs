//! Whether the DNS says that an address can receive mail (RFC 5321, section 5; RFC 7505).

#[cfg(test)]
mod tests;

use std::time::Duration;

use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::sync::OnceCell;
use vestibule_formats::text::email;

/// How many DNS answers are cached, and for how long at most. Negative ones expire soon, so that an
/// operator who fixed their DNS does not wait long.
const REMEMBERED: u64 = 1024;
const GOOD_FOR: Duration = Duration::from_secs(300);
const BAD_FOR: Duration = Duration::from_secs(60);

/// Queries the DNS.
#[derive(Debug)]
pub(crate) struct Deliverability {
    patience: Duration,
    /// Built at the first use; `None` if the system has no DNS servers configured.
    resolver: OnceCell<Option<TokioResolver>>,
}

/// The DNS answer for a name and a record type.
enum Answer {
    Records(Vec<RData>),
    /// The name exists, without such records.
    None,
    /// The name does not exist.
    NoName,
    /// The query failed.
    Unknown,
}

impl Deliverability {
    /// Always available if the feature is compiled in.
    #[expect(clippy::unnecessary_wraps, reason = "as where it is not built in")]
    pub(crate) fn new(patience: Duration) -> Option<Self> {
        Some(Self {
            patience,
            resolver: OnceCell::new(),
        })
    }

    /// Whether a mail server accepts mail for an address. If the DNS cannot be queried, the address
    /// is accepted.
    pub(crate) async fn can_get_mail(&self, address: &str) -> bool {
        let domain = address.rsplit('@').next().and_then(email::ascii_domain);
        let Some(domain) = domain else { return false };
        let Some(resolver) = self.resolver().await else {
            return true;
        };
        // Fully qualified, so that our own domain is not appended.
        let name = format!("{domain}.");
        tokio::time::timeout(self.patience, takes_mail(resolver, &name))
            .await
            .unwrap_or(true)
    }

    async fn resolver(&self) -> Option<&TokioResolver> {
        let make = async || match TokioResolver::builder_tokio() {
            Ok(builder) => self.build(builder),
            Err(error) => {
                tracing::warn!(%error, "no DNS server is known: addresses pass as they are");
                None
            }
        };
        self.resolver.get_or_init(make).await.as_ref()
    }

    fn build(&self, mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Option<TokioResolver> {
        let options = builder.options_mut();
        options.timeout = self.patience / 2;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = REMEMBERED;
        options.positive_max_ttl = Some(GOOD_FOR);
        options.negative_max_ttl = Some(BAD_FOR);
        builder
            .build()
            .inspect_err(|error| tracing::warn!(%error, "the DNS cannot be asked"))
            .ok()
    }
}

async fn takes_mail(resolver: &TokioResolver, name: &str) -> bool {
    match ask(resolver, name, RecordType::MX).await {
        Answer::Records(records) => {
            // A record that names the root says that the domain accepts no mail (RFC 7505).
            return records
                .iter()
                .any(|record| matches!(record, RData::MX(mx) if !mx.exchange.is_root()));
        }
        Answer::NoName => return false,
        Answer::Unknown => return true,
        Answer::None => {}
    }
    let (four, six) = tokio::join!(
        ask(resolver, name, RecordType::A),
        ask(resolver, name, RecordType::AAAA)
    );
    let has_no_address = |answer: &Answer| matches!(answer, Answer::None | Answer::NoName);
    !(has_no_address(&four) && has_no_address(&six))
}

async fn ask(resolver: &TokioResolver, name: &str, kind: RecordType) -> Answer {
    match resolver.lookup(name, kind).await {
        Ok(lookup) => {
            let records: Vec<RData> = lookup
                .answers()
                .iter()
                .filter(|record| record.record_type() == kind)
                .map(|record| record.data.clone())
                .collect();
            if records.is_empty() {
                Answer::None
            } else {
                Answer::Records(records)
            }
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Answer::NoName,
            ResponseCode::NoError => Answer::None,
            _ => Answer::Unknown,
        },
        Err(_) => Answer::Unknown,
    }
}
