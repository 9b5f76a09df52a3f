//! Reads the providers from the configuration.

use secrecy::SecretString;
use toml::Table;
use vestibule_store::Identity;

use super::microsoft;
use super::presets::{self, Preset, PresetProtocol};
use super::table::{KEY, ProviderTable};
use super::{
    ClientCredentials, ProviderClaims, ProviderEndpoint, ProviderProtocol, ProviderSettings,
    TokenAuth,
};
use crate::settings::reader::Reader;

/// The longest name of a provider; it is a part of paths.
const LONGEST_NAME: usize = 64;

/// The providers that are configured; none if social sign-in is off.
pub(in crate::settings) fn read(reader: &mut Reader<'_>) -> Vec<ProviderSettings> {
    const SWITCH: &str = "SECURITY_OAUTH_ENABLE";
    if !reader.flag(SWITCH) {
        return Vec::new();
    }
    if cfg!(not(feature = "oauth")) {
        reader.problem(
            SWITCH,
            "is on, but this program was built without social sign-in",
            "build the program with the feature oauth, or switch it off",
        );
    }
    let mut tables = reader.table(KEY);
    let built_in = reader.list("SECURITY_OAUTH_BUILTIN_PROVIDERS");
    let mut providers = Vec::new();
    for name in ["github", "google"] {
        let listed = built_in.iter().any(|item| item.eq_ignore_ascii_case(name));
        // The default lists both. One without credentials is not in use.
        let explicit = reader.is_set("SECURITY_OAUTH_BUILTIN_PROVIDERS");
        let in_use = explicit || has_credentials(reader, name);
        if listed && in_use && !tables.contains_key(name) {
            tables.insert(name.to_owned(), Table::new().into());
        }
    }
    for (name, value) in tables {
        if !is_name(&name) {
            reader.problem(
                KEY,
                "contains a provider whose name has characters other than a-z, 0-9, - and _",
                "choose a name such as \"gitlab\"; it becomes a part of the redirect URI",
            );
            continue;
        }
        let Some(members) = value.as_table().cloned() else {
            reader.problem(
                KEY,
                format!("contains {name}, which is not a table"),
                format!("write a table such as [{KEY}.{name}]"),
            );
            continue;
        };
        providers.extend(provider(&mut ProviderTable::new(reader, &name, members)));
    }
    if providers.is_empty() && reader.problems.is_empty() {
        reader.problem(
            SWITCH,
            "is on, but no provider has a client ID",
            "set GITHUB_CLIENT_ID or GOOGLE_CLIENT_ID with its secret, or add a table to OAUTH_PROVIDERS",
        );
    }
    providers
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}

/// `<PROVIDER>_CLIENT_ID` and `_CLIENT_SECRET`.
fn variable(name: &str, ending: &str) -> String {
    format!("{}_{ending}", name.to_ascii_uppercase().replace('-', "_"))
}

fn has_credentials(reader: &Reader<'_>, name: &str) -> bool {
    ["CLIENT_ID", "CLIENT_SECRET"].into_iter().any(|ending| {
        reader
            .provider_credential(&variable(name, ending))
            .is_some()
    })
}

fn provider(table: &mut ProviderTable<'_, '_>) -> Option<ProviderSettings> {
    let preset = preset(table);
    let allow_private = table.flag("allow_private").unwrap_or(false);
    let client_id = client_id(table);
    let credentials = credentials(table, preset);
    let protocol = protocol(table, preset, allow_private);
    let claims = claims(table, preset, protocol.as_ref());
    let scope = scope(table, preset, protocol.as_ref());
    let identity_attribute = identity_attribute(table);
    let token_auth = token_auth(table).or_else(|| preset?.token_auth);
    let form_post = table.flag("form_post");
    let form_post = form_post.unwrap_or_else(|| preset.is_some_and(|preset| preset.form_post));
    if table.is_broken {
        return None;
    }
    Some(ProviderSettings {
        name: table.name.to_owned(),
        client_id: client_id?,
        credentials: credentials?,
        token_auth,
        protocol: protocol?,
        scope,
        identity_attribute,
        claims,
        form_post,
        counts_as_second_factor: table.flag("counts_as_second_factor").unwrap_or(false),
        allow_private,
    })
}

/// The preset that the table names, or whose name it has.
fn preset(table: &mut ProviderTable<'_, '_>) -> Option<&'static Preset> {
    let Some(name) = table.text("preset") else {
        return presets::find(table.name);
    };
    let preset = presets::find(&name);
    if preset.is_none() {
        let names: Vec<&str> = presets::PRESETS.iter().map(|preset| preset.name).collect();
        table.problem(
            "contains a preset that is unknown",
            format!("use {}", names.join(", ")),
        );
    }
    preset
}

fn client_id(table: &mut ProviderTable<'_, '_>) -> Option<String> {
    let variable = variable(table.name, "CLIENT_ID");
    let id = table
        .text("client_id")
        .or_else(|| table.reader.provider_credential(&variable));
    if id.is_none() {
        table.problem(
            "has no client ID",
            format!(
                "set client_id, or {variable}, to the ID that the provider shows for your client"
            ),
        );
    }
    id
}

fn credentials(
    table: &mut ProviderTable<'_, '_>,
    preset: Option<&Preset>,
) -> Option<ClientCredentials> {
    let is_apple = preset.is_some_and(|preset| preset.name == "apple");
    let private_key = table.secret("private_key");
    if is_apple || private_key.is_some() {
        let members = (table.text("team_id"), table.text("key_id"), private_key);
        let (Some(team_id), Some(key_id), Some(private_key)) = members else {
            table.problem(
                "has no team_id, key_id or private_key",
                "copy them from the Apple developer account; private_key_file names the .p8 file",
            );
            return None;
        };
        return Some(ClientCredentials::Apple {
            team_id,
            key_id,
            private_key: private_key.into(),
        });
    }
    let variable = variable(table.name, "CLIENT_SECRET");
    let secret = table
        .secret("client_secret")
        .or_else(|| table.reader.provider_credential(&variable));
    if secret.is_none() {
        table.problem(
            "has no client secret",
            format!("set client_secret, client_secret_file or {variable}"),
        );
    }
    secret
        .map(SecretString::from)
        .map(ClientCredentials::Secret)
}

fn protocol(
    table: &mut ProviderTable<'_, '_>,
    preset: Option<&Preset>,
    allow_private: bool,
) -> Option<ProviderProtocol> {
    const URLS: [&str; 3] = ["authorize_url", "access_token_url", "userinfo_url"];
    let urls = URLS.iter().filter(|url| table.text(url).is_some()).count();
    if let Some(issuer) = issuer(table, preset) {
        if urls > 0 {
            table.problem(
                "contains both an issuer and URLs of endpoints",
                "remove the URLs: the issuer's discovery document contains them",
            );
        }
        return open_id(table, issuer, preset, allow_private);
    }
    match preset.map(|preset| &preset.protocol) {
        None if urls == 0 => {
            table.problem(
                "has neither an issuer nor the URLs of endpoints",
                "set issuer, or authorize_url, access_token_url and userinfo_url",
            );
            None
        }
        Some(PresetProtocol::OAuth2 {
            authorize,
            token,
            userinfo,
            addresses,
        }) if urls == 0 => Some(ProviderProtocol::OAuth2 {
            authorize: ProviderEndpoint::parse(authorize, false)?,
            token: ProviderEndpoint::parse(token, false)?,
            userinfo: ProviderEndpoint::parse(userinfo, false)?,
            addresses: addresses.and_then(|url| ProviderEndpoint::parse(url, false)),
        }),
        _ => {
            if urls < URLS.len() {
                table.problem(
                    "contains some of the URLs of endpoints, but not all",
                    format!("set {}", URLS.join(", ")),
                );
                return None;
            }
            let [authorize, token, userinfo] = URLS.map(|url| table.endpoint(url, allow_private));
            Some(ProviderProtocol::OAuth2 {
                authorize: authorize?,
                token: token?,
                userinfo: userinfo?,
                addresses: None,
            })
        }
    }
}

/// The issuer: that of the table, of its tenant, or of the preset.
fn issuer(table: &mut ProviderTable<'_, '_>, preset: Option<&Preset>) -> Option<String> {
    let is_microsoft = preset.is_some_and(|preset| preset.name == "microsoft");
    if let Some(tenant) = table.text("tenant") {
        let issuer = microsoft::issuer(&tenant).filter(|_| is_microsoft);
        if issuer.is_none() {
            table.problem(
                "contains a tenant that is not the ID of a Microsoft tenant",
                "copy the directory (tenant) ID from the Entra admin center, or remove it",
            );
        }
        return issuer;
    }
    table.text("issuer").or_else(|| match preset?.protocol {
        PresetProtocol::OpenId { issuer, .. } => Some(issuer.to_owned()),
        PresetProtocol::OAuth2 { .. } => None,
    })
}

fn open_id(
    table: &mut ProviderTable<'_, '_>,
    issuer: String,
    preset: Option<&Preset>,
    allow_private: bool,
) -> Option<ProviderProtocol> {
    let sane = ProviderEndpoint::parse(&issuer, allow_private).is_some() && !issuer.contains('?');
    if !sane {
        table.problem(
            "contains an issuer that is not an https:// URL",
            "write a URL such as \"https://accounts.example.com\"; plain HTTP requires allow_private = true",
        );
        return None;
    }
    let template = match preset.map(|preset| &preset.protocol) {
        // Tokens of one tenant have that tenant's issuer.
        Some(PresetProtocol::OpenId { template, .. }) if microsoft::is_shared(&issuer) => *template,
        _ => None,
    };
    Some(ProviderProtocol::OpenId {
        issuer,
        issuer_template: template.map(str::to_owned),
    })
}

fn claims(
    table: &ProviderTable<'_, '_>,
    preset: Option<&Preset>,
    protocol: Option<&ProviderProtocol>,
) -> ProviderClaims {
    let plain = matches!(protocol, Some(ProviderProtocol::OAuth2 { .. }));
    let subject = if plain { "id" } else { "sub" };
    let claim = |member: &str, of_preset: Option<&'static str>, default: &str| {
        table
            .text(member)
            .unwrap_or_else(|| of_preset.unwrap_or(default).to_owned())
    };
    let trusted = table.flag("addresses_are_verified").filter(|flag| *flag);
    ProviderClaims {
        identity: claim("identity_claim", None, "email"),
        subject: claim(
            "subject_claim",
            preset.map(|preset| preset.subject),
            subject,
        ),
        verified: claim(
            "verified_claim",
            preset.map(|preset| preset.verified),
            "email_verified",
        ),
        verified_by_default: trusted.or_else(|| preset?.verified_by_default),
        name: claim(
            "name_claim",
            preset.map(|preset| preset.display_name),
            "name",
        ),
    }
}

fn scope(
    table: &mut ProviderTable<'_, '_>,
    preset: Option<&Preset>,
    protocol: Option<&ProviderProtocol>,
) -> String {
    let is_open_id = matches!(protocol, Some(ProviderProtocol::OpenId { .. }));
    let scope = table.text("scope").unwrap_or_else(|| {
        let default = if is_open_id {
            "openid email profile"
        } else {
            ""
        };
        preset.map_or(default, |preset| preset.scope).to_owned()
    });
    if is_open_id && !scope.split(' ').any(|word| word == "openid") {
        table.problem(
            "contains a scope without openid",
            "add openid: without it, the provider sends no ID token",
        );
    }
    scope
}

fn identity_attribute(table: &mut ProviderTable<'_, '_>) -> Identity {
    const ATTRIBUTES: [Identity; 3] = [Identity::Email, Identity::Username, Identity::Phone];
    let Some(name) = table.text("identity_attribute") else {
        return Identity::Email;
    };
    let found = ATTRIBUTES.into_iter().find(|item| item.column() == name);
    let configured = table
        .reader
        .identities("SECURITY_USER_IDENTITY_ATTRIBUTES")
        .iter()
        .any(|item| item.name == name);
    match found {
        Some(attribute) if configured => attribute,
        _ => {
            table.problem(
                "contains an identity_attribute that is not one of SECURITY_USER_IDENTITY_ATTRIBUTES",
                "use one of them: email, username or us_phone_number",
            );
            Identity::Email
        }
    }
}

fn token_auth(table: &mut ProviderTable<'_, '_>) -> Option<TokenAuth> {
    match table.text("token_auth")?.as_str() {
        "basic" => Some(TokenAuth::Basic),
        "post" => Some(TokenAuth::Post),
        _ => {
            table.problem(
                "contains a token_auth that is unknown",
                "write \"basic\" or \"post\"",
            );
            None
        }
    }
}
