//! The providers whose addresses and claims are known: one row each.

use super::{TokenAuth, microsoft};

/// What is known of a provider.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    pub(super) protocol: PresetProtocol,
    pub(super) scope: &'static str,
    pub(super) token_auth: Option<TokenAuth>,
    pub(super) subject: &'static str,
    pub(super) verified: &'static str,
    pub(super) verified_by_default: Option<bool>,
    pub(super) display_name: &'static str,
    pub(super) form_post: bool,
}

/// The protocol of a preset, and its addresses.
#[derive(Debug)]
pub(super) enum PresetProtocol {
    OpenId {
        issuer: &'static str,
        template: Option<&'static str>,
    },
    OAuth2 {
        authorize: &'static str,
        token: &'static str,
        userinfo: &'static str,
        addresses: Option<&'static str>,
    },
}

/// OpenID Connect with the standard claims.
const fn open_id(name: &'static str, issuer: &'static str, scope: &'static str) -> Preset {
    Preset {
        name,
        protocol: PresetProtocol::OpenId {
            issuer,
            template: None,
        },
        scope,
        token_auth: None,
        subject: "sub",
        verified: "email_verified",
        verified_by_default: None,
        display_name: "name",
        form_post: false,
    }
}

/// OAuth 2.0 with a profile whose key is `id`.
const fn oauth2(name: &'static str, protocol: PresetProtocol, scope: &'static str) -> Preset {
    Preset {
        protocol,
        token_auth: Some(TokenAuth::Post),
        subject: "id",
        ..open_id(name, "", scope)
    }
}

pub(super) const PRESETS: [Preset; 7] = [
    open_id(
        "google",
        "https://accounts.google.com",
        "openid email profile",
    ),
    oauth2(
        "github",
        PresetProtocol::OAuth2 {
            authorize: "https://github.com/login/oauth/authorize",
            token: "https://github.com/login/oauth/access_token",
            userinfo: "https://api.github.com/user",
            addresses: Some("https://api.github.com/user/emails"),
        },
        "user:email",
    ),
    open_id("gitlab", "https://gitlab.com", "openid email profile"),
    Preset {
        protocol: PresetProtocol::OpenId {
            issuer: microsoft::COMMON,
            template: Some(microsoft::TEMPLATE),
        },
        // The administrator of a tenant can write any address into an account. Only this claim
        // says that the owner of the domain has verified it.
        verified: "xms_edov",
        verified_by_default: Some(false),
        ..open_id("microsoft", "", "openid email profile")
    },
    Preset {
        form_post: true,
        ..open_id("apple", "https://appleid.apple.com", "openid email name")
    },
    Preset {
        verified: "verified",
        display_name: "global_name",
        ..oauth2(
            "discord",
            PresetProtocol::OAuth2 {
                authorize: "https://discord.com/oauth2/authorize",
                token: "https://discord.com/api/oauth2/token",
                userinfo: "https://discord.com/api/users/@me",
                addresses: None,
            },
            "identify email",
        )
    },
    Preset {
        // Facebook does not say whether an address is verified.
        verified_by_default: Some(false),
        ..oauth2(
            "facebook",
            PresetProtocol::OAuth2 {
                authorize: "https://www.facebook.com/v23.0/dialog/oauth",
                token: "https://graph.facebook.com/v23.0/oauth/access_token",
                userinfo: "https://graph.facebook.com/v23.0/me?fields=id,name,email",
                addresses: None,
            },
            "email public_profile",
        )
    },
];

/// The preset with this name.
pub(super) fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
