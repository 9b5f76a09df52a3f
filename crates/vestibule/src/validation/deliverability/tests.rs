//! Deliverability checks against a scripted DNS server.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use tokio::net::UdpSocket;

use super::*;

const A: u16 = 1;
const MX: u16 = 15;
const AAAA: u16 = 28;

/// The answer for a name and a record type: a response code and the data of the records, or `None`
/// if the server is silent.
type Zone = fn(&str, u16) -> Option<(u8, Vec<Vec<u8>>)>;

struct Dns {
    port: u16,
    asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Dns {
    async fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((read, from)) = socket.recv_from(&mut buffer).await {
                shared.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&buffer[..read], zone) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { port, asked, task }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn deliverability(&self, patience: Duration) -> Deliverability {
        let deliverability = Deliverability::new(patience).unwrap();
        let mut udp = ConnectionConfig::udp();
        udp.port = self.port;
        let server = NameServerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), true, vec![udp]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = deliverability.build(builder);
        deliverability.resolver.set(resolver).unwrap();
        deliverability
    }
}

/// Builds the answer (RFC 1035, section 4.1) to a query.
fn answer(query: &[u8], zone: Zone) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut name = String::new();
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        name.push_str(std::str::from_utf8(&query[at + 1..end]).unwrap());
        name.push('.');
        at = end;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let (code, records) = zone(&name.to_ascii_lowercase(), kind)?;
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0]);
    answer.push(u8::try_from(records.len()).unwrap());
    answer.extend([0; 4]);
    answer.extend(&query[12..at + 5]);
    for data in records {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

fn mx(labels: &[&str]) -> Vec<u8> {
    let mut data = vec![0, 10];
    for label in labels {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.bytes());
    }
    data.push(0);
    data
}

fn zone(name: &str, kind: u16) -> Option<(u8, Vec<Vec<u8>>)> {
    Some(match (name, kind) {
        ("mail.example." | "xn--bcher-kva.example.", MX) => (0, vec![mx(&["mx", "example"])]),
        ("null.example.", MX) => (0, vec![mx(&[])]),
        ("null.example." | "four.example.", A) => (0, vec![vec![192, 0, 2, 1]]),
        ("six.example.", AAAA) => (0, vec![vec![0x20; 16]]),
        ("gone.example.", _) => (3, Vec::new()),
        ("refused.example.", _) => (5, Vec::new()),
        ("broken.example.", _) | ("half.example.", A | AAAA) => (2, Vec::new()),
        ("silent.example.", _) => return None,
        _ => (0, Vec::new()),
    })
}

#[tokio::test]
async fn a_domain_is_refused_only_if_dns_says_that_it_takes_no_mail() {
    let dns = Dns::start(zone).await;
    let deliverability = dns.deliverability(Duration::from_secs(10));
    for (domain, takes) in [
        ("mail.example", true),
        ("MAIL.example", true),
        ("b\u{fc}cher.example", true),
        ("four.example", true),
        ("six.example", true),
        ("null.example", false),
        ("empty.example", false),
        ("gone.example", false),
        // A failed look-up does not refuse the address.
        ("broken.example", true),
        ("refused.example", true),
        ("half.example", true),
        ("not a domain", false),
    ] {
        let answer = deliverability.can_get_mail(&format!("ana@{domain}")).await;
        assert_eq!(answer, takes, "{domain}");
    }
}

#[tokio::test]
async fn an_answer_is_cached() {
    let dns = Dns::start(zone).await;
    let deliverability = dns.deliverability(Duration::from_secs(10));
    for _ in 0..3 {
        assert!(deliverability.can_get_mail("ana@mail.example").await);
    }
    assert_eq!(dns.asked(), 1);
}

#[tokio::test]
async fn attack_a_domain_with_silent_dns_does_not_delay_a_request_for_long() {
    let dns = Dns::start(zone).await;
    let patience = Duration::from_millis(300);
    let deliverability = dns.deliverability(patience);
    // Both timeouts use the same clock, and if both are due, the inner one is polled first.
    let asked = deliverability.can_get_mail("ana@silent.example");
    assert_eq!(tokio::time::timeout(patience * 10, asked).await, Ok(true));
}
