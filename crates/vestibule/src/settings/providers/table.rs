//! The members of one table of `OAUTH_PROVIDERS`.

use strsim::normalized_damerau_levenshtein;
use toml::{Table, Value};

use super::ProviderEndpoint;
use crate::settings::reader::Reader;

pub(super) const KEY: &str = "OAUTH_PROVIDERS";

/// All members, in the order of the documentation.
const MEMBERS: [&str; 24] = [
    "preset",
    "client_id",
    "client_secret",
    "client_secret_file",
    "issuer",
    "tenant",
    "authorize_url",
    "access_token_url",
    "userinfo_url",
    "scope",
    "identity_attribute",
    "identity_claim",
    "subject_claim",
    "verified_claim",
    "name_claim",
    "addresses_are_verified",
    "token_auth",
    "form_post",
    "counts_as_second_factor",
    "allow_private",
    "team_id",
    "key_id",
    "private_key",
    "private_key_file",
];

/// The members that are true or false.
const FLAGS: [&str; 4] = [
    "addresses_are_verified",
    "form_post",
    "counts_as_second_factor",
    "allow_private",
];

/// The similarity from which a known name is suggested.
const LIKE: f64 = 0.6;

/// The table of one provider. Problems never repeat a value, because an operator may have put a
/// secret into the wrong member.
pub(super) struct ProviderTable<'a, 'b> {
    pub(super) reader: &'a mut Reader<'b>,
    pub(super) name: &'a str,
    members: Table,
    /// Whether any problem was reported.
    pub(super) is_broken: bool,
}

impl<'a, 'b> ProviderTable<'a, 'b> {
    /// Reads the table, and reports members that are unknown or of the wrong type.
    pub(super) fn new(reader: &'a mut Reader<'b>, name: &'a str, members: Table) -> Self {
        let mut table = Self {
            reader,
            name,
            members: Table::new(),
            is_broken: false,
        };
        for (member, value) in members {
            if !MEMBERS.contains(&member.as_str()) {
                let fix = match nearest(&member) {
                    Some(nearest) => format!("did you mean {nearest}?"),
                    None => format!("use {}", MEMBERS.join(", ")),
                };
                table.problem(
                    format!("contains {member}, which is not a setting of a provider"),
                    fix,
                );
            } else if FLAGS.contains(&member.as_str()) && !value.is_bool() {
                table.problem(
                    format!("contains a value of {member} that is not a boolean"),
                    "write true or false",
                );
            } else if !FLAGS.contains(&member.as_str()) && !value.is_str() {
                table.problem(
                    format!("contains a value of {member} that is not a string"),
                    "write it in quotes",
                );
            } else {
                table.members.insert(member, value);
            }
        }
        table
    }

    /// The name under which problems are reported.
    fn key(&self) -> String {
        format!("{KEY}.{}", self.name)
    }

    pub(super) fn problem(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.is_broken = true;
        self.reader.problem(&self.key(), what, fix);
    }

    pub(super) fn text(&self, member: &str) -> Option<String> {
        let text = self.members.get(member).and_then(Value::as_str)?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, member: &str) -> Option<bool> {
        self.members.get(member).and_then(Value::as_bool)
    }

    /// A secret: a member, or the content of the file that its `_file` variant names.
    pub(super) fn secret(&mut self, member: &str) -> Option<String> {
        let file = format!("{member}_file");
        let (text, path) = (self.text(member), self.text(&file));
        match (text, path) {
            (Some(_), Some(_)) => {
                self.problem(
                    format!("contains both {member} and {file}"),
                    "remove one of them",
                );
                None
            }
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    self.problem(
                        format!("contains a {file} that cannot be read: {error}"),
                        "set it to a file that this process can read",
                    );
                    None
                }
            },
            (text, None) => text,
        }
    }

    /// A URL of the provider.
    pub(super) fn endpoint(
        &mut self,
        member: &str,
        allow_private: bool,
    ) -> Option<ProviderEndpoint> {
        let text = self.text(member)?;
        let endpoint = ProviderEndpoint::parse(&text, allow_private);
        if endpoint.is_none() {
            self.problem(
                format!("contains a value of {member} that is not an https:// URL"),
                "write a URL such as \"https://accounts.example.com/authorize\"; plain HTTP requires allow_private = true",
            );
        }
        endpoint
    }
}

/// The member that is most similar to a misspelt one.
fn nearest(member: &str) -> Option<&'static str> {
    let member = member.to_ascii_lowercase();
    MEMBERS
        .iter()
        .map(|known| (normalized_damerau_levenshtein(&member, known), *known))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > LIKE)
        .map(|(_, known)| known)
}
