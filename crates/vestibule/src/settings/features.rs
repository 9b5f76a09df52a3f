//! The switches of the features, and the settings that each requires.

use super::reader::Reader;

/// A feature: its switch, and the views that it redirects to.
struct Feature {
    switch: &'static str,
    views: &'static [&'static str],
    /// Whether this version serves the feature.
    served: bool,
}

const FEATURES: [Feature; 13] = [
    Feature {
        switch: "SECURITY_CONFIRMABLE",
        views: &["SECURITY_POST_CONFIRM_VIEW", "SECURITY_CONFIRM_ERROR_VIEW"],
        served: true,
    },
    Feature {
        switch: "SECURITY_REGISTERABLE",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_RECOVERABLE",
        views: &["SECURITY_RESET_VIEW", "SECURITY_RESET_ERROR_VIEW"],
        served: true,
    },
    Feature {
        switch: "SECURITY_CHANGEABLE",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_CHANGE_EMAIL",
        views: &[
            "SECURITY_POST_CHANGE_EMAIL_VIEW",
            "SECURITY_CHANGE_EMAIL_ERROR_VIEW",
        ],
        served: true,
    },
    Feature {
        switch: "SECURITY_CHANGE_USERNAME",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_USERNAME_RECOVERY",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_PASSWORDLESS",
        views: &["SECURITY_POST_LOGIN_VIEW", "SECURITY_LOGIN_ERROR_VIEW"],
        served: true,
    },
    Feature {
        switch: "SECURITY_UNIFIED_SIGNIN",
        views: &["SECURITY_LOGIN_ERROR_VIEW"],
        served: true,
    },
    Feature {
        switch: "SECURITY_TWO_FACTOR",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_MULTI_FACTOR_RECOVERY_CODES",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_WEBAUTHN",
        views: &[],
        served: true,
    },
    Feature {
        switch: "SECURITY_OAUTH_ENABLE",
        views: &[
            "SECURITY_POST_OAUTH_LOGIN_VIEW",
            "SECURITY_LOGIN_ERROR_VIEW",
            "SECURITY_POST_OAUTH_VERIFY_VIEW",
            "SECURITY_VERIFY_ERROR_VIEW",
        ],
        served: true,
    },
];

/// The switches that are on although their features are not served yet.
pub(super) fn not_served(reader: &Reader<'_>) -> Vec<&'static str> {
    FEATURES
        .iter()
        .filter(|feature| !feature.served)
        .map(|feature| feature.switch)
        .filter(|switch| reader.flag(switch))
        .collect()
}

/// Whether any feature that is on redirects browsers to the app's views.
pub(super) fn leads_to_views(reader: &Reader<'_>) -> bool {
    FEATURES
        .iter()
        .any(|feature| feature.served && !feature.views.is_empty() && reader.flag(feature.switch))
}

/// Reports missing settings that an active feature requires.
pub(super) fn check(reader: &mut Reader<'_>) {
    let spa = reader
        .text("SECURITY_REDIRECT_BEHAVIOR")
        .eq_ignore_ascii_case("spa");
    for feature in &FEATURES {
        // The features that are served redirect to the app's views, whatever the redirect
        // behaviour. Unified sign-in works without its links, since their mails carry codes as well.
        let redirects = feature.served && feature.switch != "SECURITY_UNIFIED_SIGNIN";
        if !reader.flag(feature.switch) || !(spa || redirects) {
            continue;
        }
        for view in feature.views {
            // If nothing requires freshness, the view is never used.
            let unused = view.contains("VERIFY") && reader.is_negative("SECURITY_FRESHNESS");
            if !unused && reader.text(view).is_empty() {
                reader.problem(
                    view,
                    format!(
                        "is not set, but {} redirects browsers to it",
                        feature.switch
                    ),
                    "set it to a view of your app, such as \"/done\"",
                );
            }
        }
    }
    if !reader.flag("SECURITY_PASSWORD_REQUIRED") && !reader.flag("SECURITY_UNIFIED_SIGNIN") {
        reader.problem(
            "SECURITY_PASSWORD_REQUIRED",
            "is off, but without passwords no user could sign in",
            "switch SECURITY_UNIFIED_SIGNIN on, or this one",
        );
    }
    let needs_totp = [
        "SECURITY_UNIFIED_SIGNIN",
        "SECURITY_TWO_FACTOR",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES",
    ]
    .into_iter()
    .find(|switch| reader.flag(switch));
    if let Some(switch) = needs_totp
        && reader.table("SECURITY_TOTP_SECRETS").is_empty()
    {
        reader.problem(
            "SECURITY_TOTP_SECRETS",
            format!("is not set, but {switch} needs it"),
            "run `vestibule secrets generate` and store its output",
        );
    }
    if reader
        .table("SECURITY_TOTP_SECRETS")
        .values()
        .any(|secret| secret.as_str().is_none_or(str::is_empty))
    {
        reader.problem(
            "SECURITY_TOTP_SECRETS",
            "contains a secret that is empty or not a string",
            "write { \"1\" = \"...\" } with the output of `vestibule secrets generate`",
        );
    }
    for (switch, methods) in [
        ("SECURITY_UNIFIED_SIGNIN", "SECURITY_US_ENABLED_METHODS"),
        ("SECURITY_TWO_FACTOR", "SECURITY_TWO_FACTOR_ENABLED_METHODS"),
    ] {
        if reader.flag(switch) && reader.list(methods).is_empty() {
            reader.problem(
                methods,
                format!("is empty, but {switch} is on"),
                "add a method such as \"email\"",
            );
        }
    }
}
