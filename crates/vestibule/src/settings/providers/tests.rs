//! Reading of providers.

use vestibule_store::Identity;

use super::{ClientCredentials, ProviderProtocol, ProviderSettings, TokenAuth};
use crate::settings::{Listening, Loaded, Settings, Sources};

const BASE: &str = r#"
SECRET_KEY = "0123456789abcdef0123456789abcdef"
SECURITY_PASSWORD_SALT = "0123456789abcdef0123456789abcdef"
SECURITY_OAUTH_ENABLE = true
SECURITY_POST_OAUTH_LOGIN_VIEW = "/done"
SECURITY_POST_OAUTH_VERIFY_VIEW = "/verified"
SECURITY_LOGIN_ERROR_VIEW = "/failed"
SECURITY_VERIFY_ERROR_VIEW = "/failed"
"#;

fn draft(text: &str, environment: &[(&str, &str)]) -> (Vec<ProviderSettings>, Vec<String>) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<_> = environment.iter().map(owned).collect();
    let (loaded, mut problems) = Loaded::read_all(&Sources {
        file: Some(&format!("{BASE}{text}")),
        environment: &environment,
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    });
    let (settings, others) = Settings::draft(&loaded, Listening::Local);
    problems.extend(others);
    let problems = problems.iter().map(ToString::to_string).collect();
    (settings.providers, problems)
}

fn read(text: &str) -> Vec<ProviderSettings> {
    let (providers, problems) = draft(text, &[]);
    assert_eq!(problems, Vec::<String>::new());
    providers
}

fn one(text: &str) -> ProviderSettings {
    let mut providers = read(text);
    assert_eq!(providers.len(), 1, "{providers:?}");
    providers.remove(0)
}

/// The problems with one table.
fn problems(members: &str) -> String {
    let (_, problems) = draft(&format!("[OAUTH_PROVIDERS.company]\n{members}"), &[]);
    problems.join("\n")
}

const COMPLETE: &str = r#"
client_id = "id"
client_secret = "s3cret"
issuer = "https://id.company.example"
"#;

#[test]
fn built_in_providers_need_only_credentials() {
    let providers = read(
        "GITHUB_CLIENT_ID = \"g\"\nGITHUB_CLIENT_SECRET = \"s\"\nGOOGLE_CLIENT_ID = \"o\"\nGOOGLE_CLIENT_SECRET = \"t\"",
    );
    let names: Vec<&str> = providers.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["github", "google"]);
    let github = &providers[0];
    assert_eq!(github.token_auth, Some(TokenAuth::Post));
    assert_eq!(github.claims.subject, "id");
    assert_eq!(github.claims.identity, "email");
    assert!(matches!(
        &github.protocol,
        ProviderProtocol::OAuth2 { addresses: Some(addresses), .. }
            if addresses.url == "https://api.github.com/user/emails"
    ));
    assert!(matches!(
        &providers[1].protocol,
        ProviderProtocol::OpenId { issuer, issuer_template: None } if issuer == "https://accounts.google.com"
    ));
    assert_eq!(providers[1].scope, "openid email profile");
}

#[test]
fn only_listed_built_in_providers_are_in_use() {
    let text = "SECURITY_OAUTH_BUILTIN_PROVIDERS = [\"google\"]\nGITHUB_CLIENT_ID = \"g\"\nGITHUB_CLIENT_SECRET = \"s\"";
    let (providers, problems) = draft(text, &[]);
    assert!(providers.is_empty());
    assert!(
        problems.iter().any(|text| {
            text.starts_with("OAUTH_PROVIDERS.google: has no client ID")
                && text.contains("GOOGLE_CLIENT_ID")
        }),
        "{problems:?}"
    );
    assert!(
        !problems.iter().any(|text| text.contains("github")),
        "{problems:?}"
    );
}

#[test]
fn switched_off_means_no_providers() {
    let (loaded, _) = Loaded::read_all(&Sources {
        file: Some("GITHUB_CLIENT_ID = \"g\""),
        environment: &[],
        kept: None,
        read_file: &|path| std::fs::read_to_string(path),
    });
    let (settings, problems) = Settings::draft(&loaded, Listening::Local);
    assert!(settings.providers.is_empty());
    assert!(!problems.iter().any(|problem| problem.key.contains("OAUTH")));
    let (_, problems) = draft("", &[]);
    assert!(problems.concat().contains("no provider has a client ID"));
}

#[test]
fn any_open_id_provider_is_a_table() {
    let company = one(&format!("[OAUTH_PROVIDERS.company]{COMPLETE}"));
    assert_eq!(company.scope, "openid email profile");
    assert_eq!(company.identity_attribute, Identity::Email);
    assert_eq!(company.claims.subject, "sub");
    assert_eq!(company.claims.verified_by_default, None);
    assert_eq!(company.token_auth, None);
    assert!(!company.allow_private && !company.counts_as_second_factor && !company.form_post);
    let members = "scope = \"openid groups\"\nidentity_claim = \"upn\"\ntoken_auth = \"post\"\ncounts_as_second_factor = true\naddresses_are_verified = true";
    let company = one(&format!("[OAUTH_PROVIDERS.company]{COMPLETE}{members}"));
    assert_eq!(company.scope, "openid groups");
    assert_eq!(company.claims.identity, "upn");
    assert_eq!(company.token_auth, Some(TokenAuth::Post));
    assert_eq!(company.claims.verified_by_default, Some(true));
    assert!(company.counts_as_second_factor);
}

#[test]
fn any_plain_provider_is_a_table() {
    let plain = one(r#"
[OAUTH_PROVIDERS.old]
client_id = "id"
client_secret = "s"
authorize_url = "https://old.example/authorize"
access_token_url = "https://old.example/token"
userinfo_url = "https://old.example/me"
"#);
    assert_eq!(plain.claims.subject, "id");
    assert_eq!(plain.scope, "");
    assert!(
        matches!(plain.protocol, ProviderProtocol::OAuth2 { token, .. } if token.path == "/token")
    );
}

#[test]
fn credentials_of_any_provider_may_be_in_the_environment() {
    let text = "[OAUTH_PROVIDERS.my-id]\nissuer = \"https://id.example\"";
    let environment = [("MY_ID_CLIENT_ID", "id"), ("MY_ID_CLIENT_SECRET", "s")];
    let (providers, problems) = draft(text, &environment);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(providers[0].client_id, "id");
}

#[test]
fn a_client_secret_in_the_file_counts_as_a_secret() {
    for (text, expected) in [
        ("COMPANY_CLIENT_SECRET = \"s\"", true),
        ("COMPANY_CLIENT_ID = \"i\"", false),
    ] {
        let (loaded, _) = Loaded::read_all(&Sources {
            file: Some(text),
            environment: &[],
            kept: None,
            read_file: &|path| std::fs::read_to_string(path),
        });
        assert_eq!(loaded.has_secret_in_file(), expected, "{text}");
    }
}

#[test]
fn presets_of_microsoft_and_apple_have_their_own_members() {
    let text = |members: &str| {
        format!("[OAUTH_PROVIDERS.microsoft]\nclient_id = \"id\"\nclient_secret = \"s\"\n{members}")
    };
    let shared = one(&text(""));
    assert!(matches!(
        shared.protocol,
        ProviderProtocol::OpenId {
            issuer_template: Some(_),
            ..
        }
    ));
    assert_eq!(shared.claims.verified, "xms_edov");
    assert_eq!(shared.claims.verified_by_default, Some(false));
    let tenant = "11111111-2222-3333-4444-555555555555";
    let single = one(&text(&format!("tenant = \"{tenant}\"")));
    assert!(matches!(
        &single.protocol,
        ProviderProtocol::OpenId { issuer, issuer_template: None }
            if *issuer == format!("https://login.microsoftonline.com/{tenant}/v2.0")
    ));
    let personal = one(&text("tenant = \"consumers\""));
    assert!(matches!(
        &personal.protocol,
        ProviderProtocol::OpenId { issuer, issuer_template: None } if issuer.contains("/9188040d-")
    ));
    for tenant in ["a/../b", "contoso.onmicrosoft.com", "{tenantid}"] {
        let (_, problems) = draft(&text(&format!("tenant = \"{tenant}\"")), &[]);
        assert!(problems.concat().contains("a tenant that is not the ID"));
    }

    let apple = one(
        "[OAUTH_PROVIDERS.apple]\nclient_id = \"com.example.web\"\nteam_id = \"T\"\nkey_id = \"K\"\nprivate_key = \"pem\"",
    );
    assert!(apple.form_post);
    assert!(matches!(apple.credentials, ClientCredentials::Apple { .. }));
    let (_, problems) = draft(
        "[OAUTH_PROVIDERS.apple]\nclient_id = \"com.example.web\"",
        &[],
    );
    assert!(
        problems
            .concat()
            .contains("has no team_id, key_id or private_key")
    );
}

#[test]
fn every_preset_is_complete() {
    for name in [
        "google",
        "github",
        "gitlab",
        "microsoft",
        "discord",
        "facebook",
    ] {
        let table = format!("[OAUTH_PROVIDERS.{name}]\nclient_id = \"id\"\nclient_secret = \"s\"");
        assert_eq!(one(&table).name, name);
        // A second client of the same provider has a name of its own.
        let table = table.replace(name, "second");
        assert_eq!(one(&format!("{table}\npreset = \"{name}\"")).name, "second");
    }
}

#[test]
fn errors_name_the_member_and_the_remedy() {
    for (members, expected) in [
        (
            "issuer = \"https://a.example\"\nclient_secret = \"s\"",
            "has no client ID",
        ),
        (
            "issuer = \"https://a.example\"\nclient_id = \"i\"",
            "has no client secret",
        ),
        (
            "client_id = \"i\"\nclient_secret = \"s\"",
            "neither an issuer nor the URLs",
        ),
        (&format!("{COMPLETE}isuer = \"x\""), "did you mean issuer?"),
        (
            &format!("{COMPLETE}client_secrets = \"x\""),
            "did you mean client_secret?",
        ),
        (
            &format!("{COMPLETE}zzzzzz = \"x\""),
            "use preset, client_id",
        ),
        (
            &format!("{COMPLETE}allow_private = \"yes\""),
            "write true or false",
        ),
        (
            &format!("{COMPLETE}scope = [\"openid\"]"),
            "write it in quotes",
        ),
        (
            &format!("{COMPLETE}scope = \"email\""),
            "a scope without openid",
        ),
        (
            &format!("{COMPLETE}token_auth = \"jwt\""),
            "write \"basic\" or \"post\"",
        ),
        (
            &format!("{COMPLETE}preset = \"yahoo\""),
            "use google, github",
        ),
        (&format!("{COMPLETE}tenant = \"t\""), "a tenant that is not"),
        (
            &format!("{COMPLETE}identity_attribute = \"id\""),
            "SECURITY_USER_IDENTITY_ATTRIBUTES",
        ),
        (
            &format!("{COMPLETE}client_secret_file = \"/x\""),
            "both client_secret and client_secret_file",
        ),
        (
            &format!("{COMPLETE}userinfo_url = \"https://a.example/u\""),
            "both an issuer and URLs",
        ),
        (
            &COMPLETE.replace("https", "http"),
            "an issuer that is not an https:// URL",
        ),
        (
            &COMPLETE.replace("company.example", "company.example?a=b"),
            "an issuer that is not",
        ),
    ] {
        let found = problems(members);
        assert!(found.contains(expected), "{members}: {found}");
        assert!(!found.contains("s3cret"), "{found}");
        assert!(found.contains("OAUTH_PROVIDERS.company"), "{found}");
    }
    let (_, found) = draft("[OAUTH_PROVIDERS.\"a/b\"]\nclient_id = \"x\"", &[]);
    assert!(
        found
            .concat()
            .contains("whose name has characters other than")
    );
    let (_, found) = draft("[OAUTH_PROVIDERS]\na = 1", &[]);
    assert!(found.concat().contains("which is not a table"));
}

#[test]
fn plain_http_requires_a_private_network() {
    let text = COMPLETE.replace("https", "http");
    let company = one(&format!(
        "[OAUTH_PROVIDERS.company]{text}allow_private = true"
    ));
    assert!(company.allow_private);
}

#[test]
fn debug_output_contains_no_secret() {
    let company = one(&format!("[OAUTH_PROVIDERS.company]{COMPLETE}"));
    assert!(!format!("{company:?}").contains("s3cret"));
}
