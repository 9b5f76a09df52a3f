//! What happened to accounts, in a log that shows when somebody changed it.
//!
//! Each entry has a seal: HMAC-SHA-256, with a key made of `SECRET_KEY`, over everything that
//! the entry says, the seal before it, and the seal of the end that it was appended to. That
//! one is over the number and the seal of the last entry, and stands in a row of its own until
//! the next entry takes its place.
//!
//! Whoever can write to the database and does not know the key can neither change an entry nor
//! leave one out. Nor can they cut off the end: the entry that is then the last one has no seal
//! of the end any more, nor will it get one, since the next entry is chained to whatever stands
//! there. What cannot be seen from inside is an older copy of the whole table put back, and a
//! log that begins anew: for that, somebody keeps an [`End`] elsewhere.

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

/// What the seals are made with.
#[derive(Clone)]
pub(crate) struct AuditChain(Arc<Keys>);

/// The present key first, then those before it.
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

    /// How an entry is chained to what is before it, if one of the keys did it.
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
        // Nothing is before the first one, and the end that an earlier version left had no seal.
        if before.form == Some(Form::Present) {
            return None;
        }
        end.end_seal.clear();
        if made(&|key| seal_of(key, &end, entry)) {
            return Some(Form::Present);
        }
        made(&|key| earlier_seal_of(key, &end.seal, entry)).then_some(Form::Earlier)
    }

    /// Whether one of the keys made the seal of an end.
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

/// As the seals were before ends had one. They are read, and never made.
fn earlier_seal_of(key: &Key, before: &str, entry: &AuditEntry) -> String {
    let mut parts = vec![Value::from(before)];
    parts.extend(said(entry));
    let text = Value::from(parts);
    hex::encode(&derived::mac(&key[..], text.to_string().as_bytes()))
}

/// Everything that an entry says.
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

/// Something that happened, before it has a number.
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

    /// With whoever asked for it.
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

/// An entry and its seal, which whoever keeps it elsewhere can ask for later: `76:ab12…`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// The number of the entry; 0 for the beginning.
    pub entry: i64,
    /// Its seal; of the beginning, nothing.
    pub seal: String,
}

impl End {
    /// Reads what was written; nothing when it is none.
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

/// What a look at the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it was written.
    Whole {
        /// How many entries there are.
        entries: i64,
        /// The last of them.
        end: End,
        /// Whether the end has a seal. It has none where an earlier version wrote the last
        /// entry; the next entry brings one.
        sealed: bool,
    },
    /// From this entry on nothing is certain.
    Broken {
        /// Its number.
        entry: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// How an entry is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By a version that did not seal ends. Such entries come first or not at all.
    Earlier,
    Present,
}

/// What was looked at so far.
#[derive(Default)]
struct Seen {
    end: End,
    /// How the last one is sealed.
    form: Option<Form>,
}

const PAGE: u32 = 1000;

/// Looks at every entry, and for one that was there when somebody wrote its number and seal
/// down. `progress` hears how many have been looked at, of how many.
///
/// # Errors
/// When the store fails.
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
    // Entries may have come while we looked, and the end with them.
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
    /// Looks at the next entry.
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

    /// Whether the log ends where its head says. One that moved on while we looked may be
    /// ahead of what we saw.
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
        // Where no entry came since an earlier version, there is no seal of the end yet.
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
/// JSON in ASCII: a table that was made for some languages only keeps it, too.
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
