//! Whether an address can get mail, as far as the DNS knows (RFC 5321 section 5, RFC 7505).

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

/// How many answers are remembered, and for how long at most: whoever has put their DNS right
/// does not wait for long.
const REMEMBERED: u64 = 1024;
const GOOD_FOR: Duration = Duration::from_secs(300);
const BAD_FOR: Duration = Duration::from_secs(60);

/// Asks the DNS.
#[derive(Debug)]
pub(crate) struct Deliverability {
    patience: Duration,
    /// Made when it is first needed; nothing where the system's servers cannot be found.
    resolver: OnceCell<Option<TokioResolver>>,
}

/// What the DNS says of a name and a type.
enum Answer {
    Records(Vec<RData>),
    /// The name is there, without such records.
    None,
    /// There is no such name.
    NoName,
    /// It does not say.
    Unknown,
}

impl Deliverability {
    /// It always can be asked, where it is built in.
    #[expect(clippy::unnecessary_wraps, reason = "as where it is not built in")]
    pub(crate) fn new(patience: Duration) -> Option<Self> {
        Some(Self {
            patience,
            resolver: OnceCell::new(),
        })
    }

    /// Whether somebody takes mail for an address. Who cannot be asked does not stand in the
    /// way.
    pub(crate) async fn can_get_mail(&self, address: &str) -> bool {
        let domain = address.rsplit('@').next().and_then(email::ascii_domain);
        let Some(domain) = domain else { return false };
        let Some(resolver) = self.resolver().await else {
            return true;
        };
        // From the root on: our own domain is not tried behind it.
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
            // One that names the root says that there is nobody (RFC 7505).
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
    let is_nobody = |answer: &Answer| matches!(answer, Answer::None | Answer::NoName);
    !(is_nobody(&four) && is_nobody(&six))
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
