//! Assembles the parts that every request shares.

use std::sync::Arc;

use secrecy::ExposeSecret;
use vestibule_formats::auth_token::AuthTokenCodec;
use vestibule_formats::ceremony_state::CeremonyStateCodec;
use vestibule_formats::csrf::CsrfCodec;
use vestibule_formats::flask_session::SessionCodec;
use vestibule_formats::refresh_token::RefreshTokenCodec;
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::setup_state::{SetupKind, SetupStateCodec};
use vestibule_formats::sign::KeyRing;
use vestibule_formats::validity_cookie::ValidityCookieCodec;
use vestibule_store::{MemoryStore, Store};

use super::{Builder, Vestibule};
use crate::app::{App, Parts};
use crate::audit::AuditChain;
use crate::codes::{CodeSecrets, recovery};
use crate::guard::Guard;
use crate::http::cors::Cors;
use crate::http::fault::Fault;
use crate::http::request_id::RequestIds;
use crate::links::Links;
use crate::mail::mailbox::Mailbox;
use crate::mail::rehearsal;
use crate::mail::render::Renderer;
use crate::mail::transport::{self, Mailer};
use crate::messages::Messages;
use crate::outbox::Outbox;
use crate::outbox::worker::Transports;
#[cfg(feature = "oauth")]
use crate::providers::Providers;
use crate::secrets::passwords::Passwords;
#[cfg(feature = "oauth")]
use crate::secrets::sealed::Sealer;
use crate::settings::MailRoute;
use crate::sms::transport::{self as sms, Dummy, SmsSender};
#[cfg(feature = "oauth")]
use crate::social::flow;
use crate::validation::deliverability::Deliverability;
use crate::validation::password::PasswordRules;

impl Builder {
    /// Makes the parts, and checks what the settings alone cannot tell.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub(super) fn assemble(self) -> Result<Vestibule, Fault> {
        let Self {
            settings,
            store,
            clock,
            random,
            hooks,
            hashing_threads,
            token_end,
            response_hooks,
            mailer,
            sms_sender,
            password_checks,
            own_rules,
        } = self;
        let keys = KeyRing::new(
            settings.secrets.secret_key.expose_secret(),
            settings
                .secrets
                .fallbacks
                .iter()
                .map(ExposeSecret::expose_secret),
        );
        let csrf_keys = match &settings.csrf.secret_key {
            Some(own) => &KeyRing::new(own.expose_secret(), []),
            None => &keys,
        };
        let store: Arc<dyn Store> = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let passwords = Passwords::new(
            settings
                .password
                .hasher(settings.secrets.password_salt.as_ref())
                .map_err(|error| Fault::Internal(error.to_string()))?,
            Arc::clone(&random),
            Arc::clone(&store),
            hashing_threads,
        )?;
        if let Some(problem) = rehearsal::problems(&settings).first() {
            return Err(Fault::Internal(problem.to_string()));
        }
        let mailbox: Arc<Mailbox> = Arc::default();
        let own_mailer = mailer.is_some();
        let mailer = if let Some(mailer) = mailer {
            mailer
        } else {
            let configured = transport::mailer(&settings.mail)?;
            configured.unwrap_or_else(|| Arc::clone(&mailbox) as Arc<dyn Mailer>)
        };
        let sms = if let Some(sender) = sms_sender {
            sender
        } else {
            let configured = sms::sender(&settings.sms.service, &clock)?;
            configured.unwrap_or_else(|| {
                let is_shown = !own_mailer && matches!(settings.mail.route, MailRoute::DevMailbox);
                if is_shown {
                    Arc::clone(&mailbox) as Arc<dyn SmsSender>
                } else {
                    Arc::new(Dummy)
                }
            })
        };
        let code_secrets = CodeSecrets::new(&settings.totp, &*random)?;
        let parts = Parts {
            session_codec: SessionCodec::new(&keys),
            remember_codec: RememberCodec::new(&keys),
            csrf_codec: CsrfCodec::new(csrf_keys),
            auth_token_codec: AuthTokenCodec::new(&keys, Some(&settings.token.salt)),
            refresh_token_codec: RefreshTokenCodec::new(&keys, Some(&settings.refresh.salt)),
            token_end,
            response_hooks,
            messages: Messages::new(
                settings
                    .messages
                    .iter()
                    .map(|(code, replacement)| (code.as_str(), replacement)),
            ),
            cors: Cors::new(&settings.cors)?,
            links: Links::new(&keys, &settings),
            renderer: Renderer::new(settings.mail.templates.clone()),
            mailbox,
            outbox: Outbox::new(&settings.secrets),
            chain: AuditChain::new(&settings.secrets),
            guard: Guard::new(&settings.secrets, &keys),
            #[cfg(feature = "oauth")]
            providers: Providers::new(&settings.providers, &clock)?,
            #[cfg(feature = "oauth")]
            flow_sealer: Sealer::new(&settings.secrets, flow::KEY_PURPOSE),
            passwords,
            own_rules,
            password_rules: PasswordRules::new(&settings.password, password_checks)?,
            deliverability: settings
                .identity
                .deliverability
                .and_then(Deliverability::new),
            store,
            clock,
            random,
            recovery_keys: recovery::keys(&settings.recovery_codes)?,
            validity_codec: ValidityCookieCodec::new(
                &keys,
                Some(&settings.two_factor.validity_salt),
            ),
            unified_setup_codec: SetupStateCodec::new(
                &keys,
                SetupKind::Unified,
                Some(&settings.unified.setup.salt),
            ),
            two_factor_setup_codec: SetupStateCodec::new(
                &keys,
                SetupKind::TwoFactor,
                Some(&settings.two_factor.setup.salt),
            ),
            ceremony_codec: CeremonyStateCodec::new(&keys, Some(&settings.webauthn.register.salt)),
            code_secrets,
            request_ids: RequestIds::default(),
            hooks,
            settings,
        };
        Ok(Vestibule {
            app: App::new(parts),
            transports: Transports { mailer, sms },
            own_mailer,
        })
    }
}
