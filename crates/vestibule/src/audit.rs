//! The audit log: what happened to accounts, chained so that manipulation is detected.
//!
//! Each entry has a seal: HMAC-SHA-256, with a key derived from `SECRET_KEY`, over the entry's
//! content, the seal of the previous entry, and the seal of the end of the log that the entry was
//! appended to. The seal of the end covers the number and the seal of the last entry; it is stored
//! in a row of its own, which the next entry replaces.
//!
//! An attacker who can write to the database but does not know the key can neither change nor
//! remove an entry. They cannot cut off the end either: the entry that is then the last one has no
//! seal of the end and never gets one, since the next entry is chained to the seal that is stored.
//! Two manipulations cannot be detected from the log alone: an older copy of the whole table, and a
//! log that starts anew. To detect these, the operator keeps an [`End`] elsewhere.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use vestibule_formats::hex;
use vestibule_store::{AuditEntry, AuditHead, NewEntries, NewEntry, Seals, UserId};

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::secrets::derived::{self, Key};
use crate::settings::SecretSettings;

/// The keys of the chain.
#[derive(Clone)]
pub(crate) struct AuditChain(Arc<Keys>);

/// The current keys first, then the previous ones.
struct Keys {
    entries: Vec<Key>,
    ends: Vec<Key>,
}

impl fmt::Debug for AuditChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")
    }
}

impl Seals for Keys {
    fn entry(&self, end: &AuditHead, entry: &AuditEntry) -> String {
        let key = self.entries.first();
        key.map(|key| seal_of(key, end, entry)).unwrap_or_default()
    }

    fn end(&self, last: i64, seal: &str) -> String {
        let key = self.ends.first();
        key.map(|key| seal_of_end(key, last, seal))
            .unwrap_or_default()
    }
}

impl AuditChain {
    pub(crate) fn new(secrets: &SecretSettings) -> Self {
        Self(Arc::new(Keys {
            entries: derived::keys(secrets, "vestibule audit"),
            ends: derived::keys(secrets, "vestibule audit end"),
        }))
    }

    pub(crate) fn entries(&self, entries: Vec<NewEntry>) -> Option<NewEntries> {
        (!entries.is_empty()).then(|| NewEntries {
            entries,
            seals: Arc::clone(&self.0) as Arc<dyn Seals>,
        })
    }

    /// How an entry is chained to the previous one, if any of the keys matches.
    fn form_of(&self, before: &Seen, entry: &AuditEntry) -> Option<Form> {
        let made = |seal: &dyn Fn(&Key) -> String| {
            let mut keys = self.0.entries.iter();
            keys.any(|key| same(&seal(key), &entry.seal))
        };
        let mut end = AuditHead {
            last: before.end.entry,
            seal: before.end.seal.clone(),
            end_seal: String::new(),
        };
        for key in &self.0.ends {
            if before.form.is_some() {
                end.end_seal = seal_of_end(key, end.last, &end.seal);
                if made(&|key| seal_of(key, &end, entry)) {
                    return Some(Form::Present);
                }
            }
        }
        // The first entry has no predecessor, and an earlier version left the end without a seal.
        if before.form == Some(Form::Present) {
            return None;
        }
        end.end_seal.clear();
        if made(&|key| seal_of(key, &end, entry)) {
            return Some(Form::Present);
        }
        made(&|key| earlier_seal_of(key, &end.seal, entry)).then_some(Form::Earlier)
    }

    /// Whether one of the keys made the seal of this end.
    fn holds(&self, head: &AuditHead) -> bool {
        let mut keys = self.0.ends.iter();
        keys.any(|key| same(&seal_of_end(key, head.last, &head.seal), &head.end_seal))
    }
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn seal_of(key: &Key, end: &AuditHead, entry: &AuditEntry) -> String {
    let text = json!(["after", end.end_seal, end.seal, said(entry)]);
    hex::encode(&derived::mac(&key[..], text.to_string().as_bytes()))
}

fn seal_of_end(key: &Key, last: i64, seal: &str) -> String {
    let text = json!([last, seal]);
    hex::encode(&derived::mac(&key[..], text.to_string().as_bytes()))
}

/// The form of seals before ends had one. Such seals are verified but never made.
fn earlier_seal_of(key: &Key, before: &str, entry: &AuditEntry) -> String {
    let mut parts = vec![Value::from(before)];
    parts.extend(said(entry));
    let text = Value::from(parts);
    hex::encode(&derived::mac(&key[..], text.to_string().as_bytes()))
}

/// The content of an entry.
fn said(entry: &AuditEntry) -> Vec<Value> {
    let AuditEntry { id, what, .. } = entry;
    vec![
        (*id).into(),
        (what.at.unix_timestamp_nanos() / 1000).to_string().into(),
        what.kind.clone().into(),
        what.user_id.map(|id| id.0).into(),
        what.address.clone().into(),
        what.request_id.clone().into(),
        what.detail.clone().into(),
    ]
}

/// An event before it is appended to the log.
#[derive(Debug)]
pub(crate) struct AuditRecord {
    pub(crate) kind: &'static str,
    pub(crate) user_id: Option<UserId>,
    pub(crate) detail: Option<Value>,
}

impl AuditRecord {
    pub(crate) fn of(event: &Event<'_>) -> Self {
        Self {
            kind: event.kind(),
            user_id: event.user_id(),
            detail: event.detail(),
        }
    }

    /// The log entry, with the client's address and the request ID.
    pub(crate) fn entry(self, app: &App, info: Option<&RequestInfo>) -> NewEntry {
        NewEntry {
            at: app.clock().now(),
            kind: self.kind.to_owned(),
            user_id: self.user_id,
            address: info.and_then(|info| Some(info.address()?.to_string())),
            request_id: info.map(|info| info.id().to_owned()),
            detail: self.detail.map(|detail| in_ascii(&detail)),
        }
    }
}

impl App {
    /// The entries that events leave in the audit log.
    pub(crate) fn audit_entries(
        &self,
        info: &RequestInfo,
        events: &[&Event<'_>],
    ) -> Option<NewEntries> {
        let entries = events
            .iter()
            .map(|event| AuditRecord::of(event).entry(self, Some(info)));
        self.chain().entries(entries.collect())
    }
}

/// An entry and its seal, to be kept elsewhere and verified later: `76:ab12…`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// The number of the entry; 0 for an empty log.
    pub entry: i64,
    /// The entry's seal; empty for an empty log.
    pub seal: String,
}

impl End {
    /// Parses the text form; `None` if it is invalid.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        let (entry, seal) = word.split_once(':')?;
        let entry: i64 = entry.parse().ok()?;
        let is_seal =
            seal.len() == 64 && seal.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let fits = if entry == 0 {
            seal.is_empty()
        } else {
            entry > 0 && is_seal
        };
        fits.then(|| Self {
            entry,
            seal: seal.to_owned(),
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entry, self.seal)
    }
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The log is intact.
    Whole {
        /// The number of entries.
        entries: i64,
        /// The last entry.
        end: End,
        /// Whether the end has a seal. It has none if an earlier version wrote the last entry; the
        /// next entry adds one.
        sealed: bool,
    },
    /// The log cannot be trusted from this entry on.
    Broken {
        /// The number of the entry.
        entry: i64,
        /// What is wrong with the entry.
        why: &'static str,
    },
}

/// How an entry is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By a version that did not seal ends. Such entries can only be at the beginning of the log.
    Earlier,
    Present,
}

/// The state of a verification.
#[derive(Default)]
struct Seen {
    end: End,
    /// How the last entry is sealed.
    form: Option<Form>,
}

const PAGE: u32 = 1000;

/// Verifies the whole log, and that it contains the `expected` entry, which was noted earlier.
/// `progress` receives the number of verified entries and the total.
///
/// # Errors
/// If the store fails.
pub async fn verify(
    app: &App,
    expected: Option<&End>,
    mut progress: impl FnMut(i64, i64),
) -> Result<Verdict, Fault> {
    let mut head = app.store().audit_head().await?;
    let mut seen = Seen::default();
    loop {
        let page = app.store().audit(None, seen.end.entry, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let number = seen.end.entry + 1;
            if let Err(why) = seen.go_on(app.chain(), entry, expected) {
                return Ok(Verdict::Broken { entry: number, why });
            }
        }
        progress(seen.end.entry, head.last);
    }
    // Entries may have been appended during the verification, and the end with them.
    let moved = seen.end.entry > head.last;
    if moved {
        head = app.store().audit_head().await?;
    }
    if let Err((entry, why)) = seen.ends_with(app.chain(), &head, moved) {
        return Ok(Verdict::Broken { entry, why });
    }
    if let Some(expected) = expected
        && expected.entry > seen.end.entry
    {
        return Ok(Verdict::Broken {
            entry: expected.entry,
            why: "it is missing, but it existed before",
        });
    }
    Ok(Verdict::Whole {
        entries: seen.end.entry,
        sealed: seen.form != Some(Form::Earlier) || !head.end_seal.is_empty(),
        end: seen.end,
    })
}

impl Seen {
    /// Verifies the next entry.
    fn go_on(
        &mut self,
        chain: &AuditChain,
        entry: AuditEntry,
        expected: Option<&End>,
    ) -> Result<(), &'static str> {
        if entry.id != self.end.entry + 1 {
            return Err("it is missing");
        }
        let Some(form) = chain.form_of(self, &entry) else {
            return Err(
                "it was changed, was not written by this server, or was written after the end of the log had been cut off",
            );
        };
        if let Some(expected) = expected
            && expected.entry == entry.id
            && !same(&expected.seal, &entry.seal)
        {
            return Err("it differs from the entry that existed before");
        }
        self.form = Some(form);
        self.end = End {
            entry: entry.id,
            seal: entry.seal,
        };
        Ok(())
    }

    /// Whether the log ends where its head says. The head may be ahead of the verified entries if
    /// entries were appended meanwhile.
    fn ends_with(
        &self,
        chain: &AuditChain,
        head: &AuditHead,
        moved: bool,
    ) -> Result<(), (i64, &'static str)> {
        let End { entry, seal } = &self.end;
        if *head == AuditHead::default() {
            return match entry {
                0 => Ok(()),
                _ => Err((
                    *entry,
                    "it is the last entry, but the record of the log's end is missing",
                )),
            };
        }
        if head.last > *entry && !moved {
            return Err((entry + 1, "it is missing"));
        }
        if head.last < *entry {
            return Err((head.last + 1, "it comes after the recorded end of the log"));
        }
        if head.last == *entry && !same(&head.seal, seal) {
            return Err((*entry, "it is not the last entry that the server wrote"));
        }
        // If no entry was appended since an earlier version, the end has no seal yet.
        let earlier = head.last == *entry && self.form == Some(Form::Earlier);
        if (earlier && head.end_seal.is_empty()) || chain.holds(head) {
            return Ok(());
        }
        Err((
            head.last,
            "the record that the log ends here has no valid seal",
        ))
    }
}
/// JSON in ASCII, which tables with a limited character set can store as well.
fn in_ascii(detail: &Value) -> String {
    let mut escaped = String::new();
    for c in detail.to_string().chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}
