//! What happened to accounts, in a log that shows when somebody changed it.
//!
//! Each entry has a seal: HMAC-SHA-256, with a key made of `SECRET_KEY`, over the seal before
//! it and everything that the entry says. Whoever can write to the database and does not know
//! the key can neither change an entry nor leave one out. The number and the seal of the last
//! entry stand in a row of their own, so that the end cannot be cut off either.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_formats::hex;
use vestibule_store::{AuditEntry, AuditHead, Change, NewEntries, NewEntry, Seal, UserId};

use crate::app::App;
use crate::hooks::Event;
use crate::http::facts::Facts;
use crate::http::fault::Fault;
use crate::secrets::derived::{self, Key};
use crate::settings::SecretSettings;

/// What the seals are made with.
#[derive(Clone)]
pub(crate) struct Chain {
    keys: Arc<Vec<Key>>,
    seal: Seal,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chain")
    }
}

impl Chain {
    pub(crate) fn new(secrets: &SecretSettings) -> Self {
        let keys = Arc::new(derived::keys(secrets, "vestibule audit"));
        let sealing = Arc::clone(&keys);
        let seal: Seal = Arc::new(move |before, entry| {
            sealing
                .first()
                .map(|key| seal_of(key, before, entry))
                .unwrap_or_default()
        });
        Self { keys, seal }
    }

    pub(crate) fn entries(&self, entries: Vec<NewEntry>) -> Option<NewEntries> {
        (!entries.is_empty()).then(|| NewEntries {
            entries,
            seal: Arc::clone(&self.seal),
        })
    }

    /// Whether a seal is one that one of the keys makes.
    fn holds(&self, before: &str, entry: &AuditEntry) -> bool {
        self.keys
            .iter()
            .any(|key| seal_of(key, before, entry) == entry.seal)
    }
}

fn seal_of(key: &Key, before: &str, entry: &AuditEntry) -> String {
    let AuditEntry { id, what, .. } = entry;
    let text = json!([
        before,
        id,
        (what.at.unix_timestamp_nanos() / 1000).to_string(),
        what.kind,
        what.user_id.map(|id| id.0),
        what.address,
        what.request_id,
        what.detail,
    ]);
    hex::encode(&derived::mac(&key[..], text.to_string().as_bytes()))
}

/// Something that happened, before it has a number.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) kind: &'static str,
    pub(crate) user_id: Option<UserId>,
    pub(crate) detail: Option<Value>,
}

impl Noted {
    /// With whoever asked for it.
    pub(crate) fn entry(self, app: &App, facts: Option<&Facts>) -> NewEntry {
        NewEntry {
            at: app.clock().now(),
            kind: self.kind.to_owned(),
            user_id: self.user_id,
            address: facts.and_then(|facts| Some(facts.address()?.to_string())),
            request_id: facts.map(|facts| facts.id().to_owned()),
            detail: self.detail.map(|detail| detail.to_string()),
        }
    }
}

impl App {
    /// What an event leaves in the log.
    pub(crate) fn noted(&self, facts: &Facts, event: &Event<'_>) -> Option<NewEntries> {
        self.chain()
            .entries(vec![event.noted().entry(self, Some(facts))])
    }

    /// Writes an event down, and tells who listens.
    pub(crate) async fn record(&self, facts: &Facts, event: &Event<'_>) -> Result<(), Fault> {
        let change = Change {
            events: self.noted(facts, event),
            ..Change::default()
        };
        self.store().apply(change, self.clock().now()).await?;
        self.hooks().ring(event, facts);
        Ok(())
    }
}

/// What a look at the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it was written.
    Whole {
        /// How many entries there are.
        entries: i64,
    },
    /// From this entry on nothing is certain.
    Broken {
        /// Its number.
        entry: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

const PAGE: u32 = 1000;

/// Looks at every entry. `progress` hears how many have been looked at, of how many.
///
/// # Errors
/// When the store fails.
pub async fn verify(app: &App, mut progress: impl FnMut(i64, i64)) -> Result<Verdict, Fault> {
    let AuditHead { last, seal } = app.store().audit_head().await?;
    let (mut before, mut number) = (String::new(), 0);
    loop {
        let page = app.store().audit(None, number, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let broken = |why| Verdict::Broken {
                entry: number + 1,
                why,
            };
            if entry.id != number + 1 {
                return Ok(broken("it is missing"));
            }
            if !app.chain().holds(&before, &entry) {
                return Ok(broken("it was changed, or is not ours"));
            }
            number = entry.id;
            before = entry.seal;
        }
        progress(number, last);
    }
    // Entries that came while we looked are behind the end that we saw.
    if number < last {
        return Ok(Verdict::Broken {
            entry: number + 1,
            why: "it is missing",
        });
    }
    if number == last && before != seal {
        return Ok(Verdict::Broken {
            entry: last,
            why: "it is not the one that was written last",
        });
    }
    Ok(Verdict::Whole { entries: number })
}
