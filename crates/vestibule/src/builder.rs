//! Builds a [`Vestibule`] from the settings and from what the application supplies.

mod assemble;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use vestibule_store::{Store, User};

use crate::app::{App, TokenEnd};
use crate::clock::{Clock, SystemClock};
use crate::embed::VestibuleLayer;
use crate::embed::response_hooks::ResponseHooks;
use crate::embed::{Reauthentication, Unauthenticated, Unauthorized};
use crate::features::api;
use crate::hooks::{Event, EventContext, Hooks};
use crate::http::fault::Fault;
use crate::http::reply::Reply;
use crate::mail::transport::Mailer;
use crate::messages::LocalizedMessage;
use crate::outbox::worker::{self, Transports};
use crate::rng::{Random, SystemRandom};
use crate::router;
use crate::settings::Settings;
use crate::sms::transport::SmsSender;
use crate::validation::own::{OwnRules, PhoneNumbers, SecondFactorState, UsernameCheck};
use crate::validation::password::PasswordCheck;

/// A configured instance: its router, its layer and its background work.
#[derive(Debug, Clone)]
pub struct Vestibule {
    app: App,
    transports: Transports,
    own_mailer: bool,
}

/// Builds a [`Vestibule`].
pub struct Builder {
    settings: Settings,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    hooks: Hooks,
    hashing_threads: usize,
    token_end: Option<TokenEnd>,
    response_hooks: ResponseHooks,
    mailer: Option<Arc<dyn Mailer>>,
    sms_sender: Option<Arc<dyn SmsSender>>,
    password_checks: Vec<Arc<dyn PasswordCheck>>,
    own_rules: OwnRules,
}

impl Vestibule {
    /// Starts a builder with the configuration.
    #[must_use]
    pub fn builder(settings: Settings) -> Builder {
        Builder {
            settings,
            store: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            hooks: Hooks::default(),
            hashing_threads: std::thread::available_parallelism().map_or(2, usize::from),
            token_end: None,
            response_hooks: ResponseHooks::default(),
            mailer: None,
            sms_sender: None,
            password_checks: Vec::new(),
            own_rules: OwnRules::default(),
        }
    }

    /// Returns the endpoints, for an application that nests them in its own router at
    /// [`prefix`](Self::prefix).
    pub fn router(&self) -> Router {
        router::nested(&self.app)
    }

    /// Returns the path under which the endpoints belong: `SECURITY_URL_PREFIX`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.app.settings().http.url_prefix
    }

    /// Returns the router of a server that serves nothing else: the endpoints under their prefix,
    /// and the health checks and the dev mailbox at the root.
    pub fn standalone(&self) -> Router {
        router::standalone(&self.app)
    }

    /// Returns the dev mailbox, for an application that merges it into its own router, at the root.
    ///
    /// It shows the mails and SMS that would have been sent, as a page at `/dev/mailbox` and as JSON at
    /// `/dev/mailbox.json`. It replies only to requests from this machine that carry the key of
    /// [`dev_mailbox_path`](Self::dev_mailbox_path). If mails are sent, the router is empty.
    ///
    /// ```
    /// # fn of(vestibule: vestibule::Vestibule) -> axum::Router {
    /// axum::Router::new()
    ///     .merge(vestibule.dev_mailbox())
    ///     .nest(vestibule.prefix(), vestibule.router())
    ///     .layer(vestibule.layer())
    /// # }
    /// ```
    pub fn dev_mailbox(&self) -> Router {
        if self.own_mailer {
            return Router::new();
        }
        router::dev_mailbox(&self.app)
    }

    /// Returns the path of the dev mailbox with its key, `/dev/mailbox?key=...`, or `None` if mails
    /// are sent.
    ///
    /// Opening the path sets a cookie, after which no key is needed. The key is derived from
    /// `SECRET_KEY` and gives access to every mail: print it on the developer's terminal, and never
    /// log it.
    #[must_use]
    pub fn dev_mailbox_path(&self) -> Option<String> {
        if self.own_mailer {
            return None;
        }
        router::dev_mailbox_path(&self.app)
    }

    /// Returns the OpenAPI document of the endpoints of [`standalone`](Self::standalone), as JSON.
    #[must_use]
    pub fn openapi(&self) -> String {
        api::text(&self.app, &router::whole(&self.app))
    }

    /// Returns the layer for an application's own routes. It authenticates their callers.
    #[must_use]
    pub fn layer(&self) -> VestibuleLayer {
        VestibuleLayer::new(self.app.clone())
    }

    /// Runs the background work: sends queued mails and SMS, and deletes expired records.
    ///
    /// Spawn the returned future. It runs until `stop` completes, or for ever with
    /// [`std::future::pending`]. Several servers on one database share the work.
    ///
    /// ```no_run
    /// # async fn serve(vestibule: vestibule::Vestibule) {
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// let beside = tokio::spawn(vestibule.background(async move { stopped.await.unwrap_or_default() }));
    /// // Serve requests, and at the end:
    /// stop.send(()).ok();
    /// beside.await.ok();
    /// # }
    /// ```
    pub fn background(
        &self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        worker::run(self.app.clone(), self.transports.clone(), stop)
    }

    /// Returns the state that the handlers share, which the functions of [`admin`](crate::admin)
    /// take.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Sets the store. The default keeps users in memory.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use std::sync::Arc;
    /// use vestibule::store::MemoryStore;
    ///
    /// builder.datastore(Arc::new(MemoryStore::default()))
    /// # }
    /// ```
    #[must_use]
    pub fn datastore(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Replaces the system clock, for example in tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the operating system's source of randomness, for example in tests.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Adds a listener for the events of accounts. It also receives the context of each event.
    ///
    /// The listener runs on the thread of the request. Hand long work to another thread.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use vestibule::Event;
    ///
    /// builder.on_event(|event, from| {
    ///     if let Event::SignInFailed { user_id, .. } = event {
    ///         println!("{user_id:?} failed, from {:?}, in {:?}", from.address(), from.request_id());
    ///     }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_event(
        mut self,
        listener: impl Fn(&Event<'_>, &EventContext<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.listen(listener);
        self
    }

    /// Sets when a user's new auth tokens expire: the reference's `TOKEN_EXPIRE_TIMESTAMP`.
    ///
    /// A time later than `SECURITY_TOKEN_MAX_AGE` allows, or `None`, has no effect.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use time::{Duration, OffsetDateTime};
    ///
    /// builder.token_end(|user| user.us_phone_number.is_none().then(|| OffsetDateTime::now_utc() + Duration::HOUR))
    /// # }
    /// ```
    #[must_use]
    pub fn token_end(
        mut self,
        end: impl Fn(&User) -> Option<OffsetDateTime> + Send + Sync + 'static,
    ) -> Self {
        self.token_end = Some(Box::new(end));
        self
    }

    /// Replaces the response to a request whose caller is not authenticated.
    ///
    /// `answer` receives the reply that would be sent, and the refused request with the mechanisms
    /// that its route accepts. The reply's headers are added to the application's response, unless
    /// it has a header of that name already. Cookies are always added.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use axum::response::{IntoResponse, Redirect};
    ///
    /// builder.on_unauthenticated(|reply, asked| {
    ///     let request = asked.request();
    ///     if request.headers().get("accept").is_some_and(|accept| accept == "application/json") {
    ///         return (reply.status(), "sign in first").into_response();
    ///     }
    ///     let next = request.uri().to_string();
    ///     let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
    ///     Redirect::to(&format!("/login?{query}")).into_response()
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_unauthenticated(
        mut self,
        answer: impl Fn(&Reply, &Unauthenticated<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.response_hooks.unauthenticated = Some(Box::new(answer));
        self
    }

    /// Replaces the response to a request whose caller lacks roles or permissions.
    ///
    /// Headers are added as in [`on_unauthenticated`](Self::on_unauthenticated).
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use axum::response::IntoResponse;
    ///
    /// builder.on_unauthorized(|reply, asked| {
    ///     let roles = asked.roles_required().join(", ");
    ///     (reply.status(), format!("this is for {roles}")).into_response()
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_unauthorized(
        mut self,
        answer: impl Fn(&Reply, &Unauthorized<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.response_hooks.unauthorized = Some(Box::new(answer));
        self
    }

    /// Replaces the response to a request whose caller has to confirm their identity again.
    ///
    /// Headers are added as in [`on_unauthenticated`](Self::on_unauthenticated).
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use axum::response::IntoResponse;
    ///
    /// builder.on_reauthentication(|reply, asked| {
    ///     let minutes = asked.within().as_secs() / 60;
    ///     (reply.status(), format!("sign in as of {minutes} minutes ago")).into_response()
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_reauthentication(
        mut self,
        answer: impl Fn(&Reply, &Reauthentication<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.response_hooks.not_fresh = Some(Box::new(answer));
        self
    }

    /// Replaces the JSON envelope of every response, including refusals but not redirects.
    ///
    /// Headers are added as in [`on_unauthenticated`](Self::on_unauthenticated).
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use axum::{Json, response::IntoResponse};
    ///
    /// builder.render_json(|reply| (reply.status(), Json(reply.members())).into_response())
    /// # }
    /// ```
    #[must_use]
    pub fn render_json(
        mut self,
        render: impl Fn(&Reply) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.response_hooks.json = Some(Box::new(render));
        self
    }

    /// Sets what responses say about a user, in their member `user`. By default they say nothing.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// builder.describe_user(|user| std::iter::once(("id".to_owned(), user.id.0.into())).collect())
    /// # }
    /// ```
    #[must_use]
    pub fn describe_user(
        mut self,
        describe: impl Fn(&User) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.response_hooks.user = Some(Box::new(describe));
        self
    }

    /// Sends mails through the application's own mailer instead of the configured one.
    #[must_use]
    pub fn mailer(mut self, mailer: impl Mailer + 'static) -> Self {
        self.mailer = Some(Arc::new(mailer));
        self
    }

    /// Sends SMS through the application's own sender instead of the configured service.
    #[must_use]
    pub fn sms_sender(mut self, sender: impl SmsSender + 'static) -> Self {
        self.sms_sender = Some(Arc::new(sender));
        self
    }

    /// Adds a check of new passwords, after the rules of the settings. Several checks run in the
    /// order in which they were added, until one reports errors.
    #[must_use]
    pub fn password_check(mut self, check: impl PasswordCheck + 'static) -> Self {
        self.password_checks.push(Arc::new(check));
        self
    }

    /// Adds a check of new usernames, after the rules of the settings. Several checks run in the
    /// order in which they were added, until one reports errors.
    #[must_use]
    pub fn username_check(mut self, check: impl UsernameCheck + 'static) -> Self {
        self.own_rules.usernames.push(Arc::new(check));
        self
    }

    /// Replaces the parser of phone numbers that the settings configure.
    #[must_use]
    pub fn phone_numbers(mut self, numbers: impl PhoneNumbers + 'static) -> Self {
        self.own_rules.phone_numbers = Some(Arc::new(numbers));
        self
    }

    /// Blocks sign-in for a user, whatever the method, and every mail that could lead to one: the
    /// reference's `is_locked`.
    ///
    /// `objection` returns the reason. A client that has proven the user's identity learns it, and
    /// so does one that requests a mail, unless `SECURITY_RETURN_GENERIC_RESPONSES` is set.
    /// Existing sessions and tokens continue. `objection` runs only for accounts that exist: if it
    /// is slow, an attacker learns from the time of a response which accounts exist.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// use vestibule::{LocalizedMessage, Message};
    ///
    /// builder.refuse_sign_in(|user| {
    ///     let late = user.us_phone_number.is_none();
    ///     late.then(|| LocalizedMessage::from(Message::DisabledAccount).in_own_words("Tell us your number first."))
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn refuse_sign_in(
        mut self,
        objection: impl Fn(&User) -> Option<LocalizedMessage> + Send + Sync + 'static,
    ) -> Self {
        self.own_rules.objection = Some(Box::new(objection));
        self
    }

    /// Decides for each user whether a sign-in needs a second factor: the reference's
    /// `check_tf_required`.
    ///
    /// `rule` returns `None` to leave the decision to the settings. It runs after the first factor
    /// was shown, and only where the settings ask for a second factor after that factor at all. It
    /// has no effect while `SECURITY_TWO_FACTOR` is off.
    ///
    /// ```
    /// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
    /// // Users with a phone number show a second factor on every new device.
    /// builder.require_second_factor(|user, state| {
    ///     (user.us_phone_number.is_some() && !state.remembered).then_some(true)
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn require_second_factor(
        mut self,
        rule: impl Fn(&User, SecondFactorState) -> Option<bool> + Send + Sync + 'static,
    ) -> Self {
        self.own_rules.second_factor = Some(Box::new(rule));
        self
    }

    /// Sets how many threads check passwords. The default is the number of cores.
    #[must_use]
    pub fn hashing_threads(mut self, threads: usize) -> Self {
        self.hashing_threads = threads;
        self
    }

    /// Builds the instance.
    ///
    /// # Errors
    /// When the configured password scheme cannot hash, the CORS settings or a mail template are
    /// invalid, mails or SMS cannot be sent as configured, or TLS or a thread cannot be set up.
    pub fn build(self) -> Result<Vestibule, BuildError> {
        Ok(self.assemble()?)
    }
}

/// Why a [`Vestibule`] cannot be built.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BuildError(#[from] Fault);
