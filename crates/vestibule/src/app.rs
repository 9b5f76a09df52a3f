//! The application state that every handler shares.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use vestibule_formats::auth_token::AuthTokenCodec;
use vestibule_formats::ceremony_state::CeremonyStateCodec;
use vestibule_formats::csrf::CsrfCodec;
use vestibule_formats::fernet::FernetRing;
use vestibule_formats::flask_session::SessionCodec;
use vestibule_formats::refresh_token::RefreshTokenCodec;
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::setup_state::SetupStateCodec;
use vestibule_formats::validity_cookie::ValidityCookieCodec;
use vestibule_store::{Store, User};

use crate::audit::AuditChain;
use crate::clock::{self, Clock};
use crate::codes::CodeSecrets;
use crate::embed::response_hooks::ResponseHooks;
use crate::guard::Guard;
use crate::hooks::{Event, Hooks};
use crate::http::cors::Cors;
use crate::http::fault::HandlerError;
use crate::http::reply::Reply;
use crate::http::request_id::RequestIds;
use crate::http::request_info::RequestInfo;
use crate::http::requirement::Requirement;
use crate::links::Links;
use crate::mail::mailbox::Mailbox;
use crate::mail::render::Renderer;
use crate::messages::{Messages, Words};
use crate::outbox::Outbox;
#[cfg(feature = "oauth")]
use crate::providers::Providers;
use crate::rng::Random;
use crate::secrets::passwords::Passwords;
#[cfg(feature = "oauth")]
use crate::secrets::sealed::Sealer;
use crate::settings::Settings;
use crate::validation::deliverability::Deliverability;
use crate::validation::own::OwnRules;
use crate::validation::password::PasswordRules;

/// Returns when a user's new auth tokens expire, if that is before `TOKEN_MAX_AGE` is over.
pub(crate) type TokenEnd = Box<dyn Fn(&User) -> Option<OffsetDateTime> + Send + Sync>;

/// The application state. It is cheap to clone, and the same for every request.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

/// The parts that every request shares. A part never receives the [`App`] that holds it.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) request_ids: RequestIds,
    pub(crate) hooks: Hooks,
    pub(crate) messages: Messages,
    pub(crate) passwords: Passwords,
    pub(crate) password_rules: PasswordRules,
    pub(crate) own_rules: OwnRules,
    pub(crate) deliverability: Option<Deliverability>,
    pub(crate) cors: Cors,
    pub(crate) session_codec: SessionCodec,
    pub(crate) remember_codec: RememberCodec,
    pub(crate) csrf_codec: CsrfCodec,
    pub(crate) auth_token_codec: AuthTokenCodec,
    pub(crate) refresh_token_codec: RefreshTokenCodec,
    pub(crate) token_end: Option<TokenEnd>,
    pub(crate) response_hooks: ResponseHooks,
    pub(crate) links: Links,
    pub(crate) renderer: Renderer,
    /// The mails and SMS for the developer, if they are not sent.
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) outbox: Outbox,
    pub(crate) code_secrets: CodeSecrets,
    pub(crate) recovery_keys: Option<FernetRing>,
    pub(crate) validity_codec: ValidityCookieCodec,
    pub(crate) unified_setup_codec: SetupStateCodec,
    pub(crate) two_factor_setup_codec: SetupStateCodec,
    pub(crate) ceremony_codec: CeremonyStateCodec,
    pub(crate) chain: AuditChain,
    pub(crate) guard: Guard,
    #[cfg(feature = "oauth")]
    pub(crate) providers: Providers,
    /// Encrypts the flows at providers in the session.
    #[cfg(feature = "oauth")]
    pub(crate) flow_sealer: Sealer,
}

impl std::fmt::Debug for Parts {
    /// Shows the settings, which mask their secrets, and the store.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.settings)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The settings.
    #[must_use]
    #[doc(hidden)]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// The password checker.
    #[must_use]
    #[doc(hidden)]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// The application's own validation rules.
    pub(crate) fn own_rules(&self) -> &OwnRules {
        &self.0.own_rules
    }

    pub(crate) fn password_rules(&self) -> &PasswordRules {
        &self.0.password_rules
    }

    pub(crate) fn deliverability(&self) -> Option<&Deliverability> {
        self.0.deliverability.as_ref()
    }

    /// The clock.
    #[must_use]
    #[doc(hidden)]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The current time in seconds since 1970.
    #[must_use]
    #[doc(hidden)]
    pub fn unix_now(&self) -> i64 {
        self.0.clock.now().unix_timestamp()
    }

    /// The current time in seconds since 1970, with microseconds.
    #[must_use]
    #[doc(hidden)]
    pub fn unix_seconds(&self) -> f64 {
        clock::seconds(self.0.clock.now())
    }

    /// The source of randomness.
    #[must_use]
    #[doc(hidden)]
    pub fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// The source of randomness, for work on another thread.
    pub(crate) fn shared_random(&self) -> Arc<dyn Random> {
        Arc::clone(&self.0.random)
    }

    /// A new request ID.
    pub(crate) fn next_request_id(&self) -> String {
        self.0.request_ids.next(self.random())
    }

    /// The messages.
    #[must_use]
    #[doc(hidden)]
    pub fn messages(&self) -> &Messages {
        &self.0.messages
    }

    /// The messages in the language of the client.
    pub(crate) fn words(&self, info: &RequestInfo) -> Words<'_> {
        self.messages().spoken(info.locale())
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.0.hooks
    }

    pub(crate) fn cors(&self) -> &Cors {
        &self.0.cors
    }

    pub(crate) fn session_codec(&self) -> &SessionCodec {
        &self.0.session_codec
    }

    pub(crate) fn remember_codec(&self) -> &RememberCodec {
        &self.0.remember_codec
    }

    pub(crate) fn csrf_codec(&self) -> &CsrfCodec {
        &self.0.csrf_codec
    }

    pub(crate) fn auth_token_codec(&self) -> &AuthTokenCodec {
        &self.0.auth_token_codec
    }

    pub(crate) fn refresh_token_codec(&self) -> &RefreshTokenCodec {
        &self.0.refresh_token_codec
    }

    pub(crate) fn links(&self) -> &Links {
        &self.0.links
    }

    pub(crate) fn renderer(&self) -> &Renderer {
        &self.0.renderer
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.0.mailbox
    }

    pub(crate) fn code_secrets(&self) -> &CodeSecrets {
        &self.0.code_secrets
    }

    /// How often a secret of one-time codes was encrypted or decrypted, including decoys.
    #[must_use]
    #[doc(hidden)]
    pub fn code_secret_derivations(&self) -> u64 {
        self.code_secrets().derivations()
    }

    /// The keys that encrypt recovery codes, if there are any.
    pub(crate) fn recovery_keys(&self) -> Option<&FernetRing> {
        self.0.recovery_keys.as_ref()
    }

    pub(crate) fn validity_codec(&self) -> &ValidityCookieCodec {
        &self.0.validity_codec
    }

    pub(crate) fn unified_setup_codec(&self) -> &SetupStateCodec {
        &self.0.unified_setup_codec
    }

    pub(crate) fn two_factor_setup_codec(&self) -> &SetupStateCodec {
        &self.0.two_factor_setup_codec
    }

    pub(crate) fn ceremony_codec(&self) -> &CeremonyStateCodec {
        &self.0.ceremony_codec
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    #[cfg(feature = "oauth")]
    pub(crate) fn providers(&self) -> &Providers {
        &self.0.providers
    }

    #[cfg(feature = "oauth")]
    pub(crate) fn flow_sealer(&self) -> &Sealer {
        &self.0.flow_sealer
    }

    pub(crate) fn chain(&self) -> &AuditChain {
        &self.0.chain
    }

    /// The expiry in a user's new auth token, in seconds since 1970.
    pub(crate) fn token_end(&self, user: &User) -> Option<i64> {
        match &self.0.token_end {
            // In the token, 0 means that it has no expiry of its own.
            Some(end) => end(user).map(|end| end.unix_timestamp().max(1)),
            None => self.settings().token.expire_timestamp,
        }
    }

    /// The response to a refused request, from the application's own hook if it has one.
    pub(crate) fn answer(&self, info: &RequestInfo, refusal: impl Into<HandlerError>) -> Response {
        let mut rejection = refusal.into().into_rejection();
        let requirement = rejection.take_unmet();
        if let Some(Requirement::Authentication(methods)) = &requirement {
            let event = Event::Unauthenticated { methods };
            self.hooks().emit(&event, info);
        }
        let reply = rejection.into_reply(self.words(info), self.settings().explains());
        self.0
            .response_hooks
            .refuse(info, requirement.as_ref(), reply)
    }

    /// Whether a response hook needs the head of the request.
    pub(crate) fn wants_the_request(&self) -> bool {
        self.0.response_hooks.want_the_request()
    }

    /// Renders a reply, with the application's own hook if it has one.
    pub(crate) fn render(&self, reply: Reply) -> Response {
        self.0.response_hooks.render(reply)
    }

    /// The members that the application adds to what replies say about a user.
    pub(crate) fn describe(&self, user: &User) -> Map<String, Value> {
        self.0.response_hooks.describe(user)
    }
}
