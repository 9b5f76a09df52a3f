//! An application in memory whose users have every kind of identity.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use tower::ServiceExt as _;
use vestibule::Settings;
use vestibule::{Vestibule, admin};
use vestibule_store::{MemoryStore, PasswordChange, Store, User, UserId, UserKey, UserPatch};

/// Cheap password hashes, so that the tests are fast, and no limit on wrong ones.
const CHEAP: &str = r#"
SECRET_KEY = "a secret key for tests, long enough"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
SECURITY_LIMITS = "off"
"#;

pub(crate) struct Bench {
    vestibule: Vestibule,
    store: Arc<dyn Store>,
}

impl Bench {
    /// Builds an application with these lines; later lines replace earlier ones.
    pub(crate) fn new(lines: &[&str]) -> Self {
        let mut table = toml::Table::new();
        for part in [&[CHEAP], lines].concat() {
            table.extend(part.parse::<toml::Table>().unwrap());
        }
        let settings = Settings::from_toml(&table.to_string()).unwrap();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let vestibule = Vestibule::builder(settings)
            .datastore(Arc::clone(&store))
            .hashing_threads(1)
            .build()
            .unwrap();
        Self { vestibule, store }
    }

    /// Creates a user as an existing table may hold them, each with a different password.
    pub(crate) async fn user(
        &self,
        email: &str,
        username: Option<&str>,
        phone: Option<&str>,
    ) -> UserId {
        let old_name = username.is_some_and(reads_as_a_number);
        let draft = admin::NewAccount {
            email: email.to_owned(),
            username: username.filter(|_| !old_name).map(str::to_owned),
            password: "to be replaced".to_owned(),
            active: true,
            confirmed: true,
        };
        let user = admin::create(self.vestibule.app(), draft).await.unwrap();
        let hash = self.vestibule.app().passwords();
        let hash = hash.hash(&password(user.id)).await.unwrap();
        self.change(
            user.id,
            UserPatch {
                username: old_name.then(|| username.map(str::to_owned)),
                us_phone_number: Some(phone.map(str::to_owned)),
                password: Some(PasswordChange::Set(hash)),
                ..UserPatch::default()
            },
        )
        .await;
        user.id
    }

    /// Stores this hash for a user.
    pub(crate) async fn store_hash(&self, user: UserId, hash: &str) {
        let patch = UserPatch {
            password: Some(PasswordChange::Set(hash.to_owned())),
            ..UserPatch::default()
        };
        self.change(user, patch).await;
    }

    async fn change(&self, user: UserId, patch: UserPatch) {
        let now = self.vestibule.app().clock().now();
        assert!(self.store.update_user(user, patch, now).await.unwrap());
    }

    pub(crate) async fn stored(&self, user: UserId) -> User {
        self.store.user(UserKey::Id(user)).await.unwrap().unwrap()
    }

    /// The user that a text identifies.
    pub(crate) async fn named(&self, text: &str) -> Option<UserId> {
        let found = admin::find(self.vestibule.app(), text).await;
        found.ok().map(|user| user.id)
    }

    /// The user that `/authz` identifies by a name and the password of `whose`.
    pub(crate) async fn basic(&self, name: &str, whose: UserId) -> Option<UserId> {
        self.basic_with(name, &password(whose)).await
    }

    pub(crate) async fn basic_with(&self, name: &str, password: &str) -> Option<UserId> {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        let request = Request::get("/authz?methods=basic")
            .header(header::HOST, "localhost:5000")
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .body(Body::empty())
            .unwrap();
        let response = self.vestibule.standalone().oneshot(request).await.unwrap();
        if response.status() == 401 {
            return None;
        }
        assert_eq!(response.status(), 200, "{name:?}");
        let id = response.headers()["x-auth-user-id"].to_str().unwrap();
        Some(UserId(id.parse().unwrap()))
    }
}

fn password(user: UserId) -> String {
    format!("battery staple {user}")
}

/// Whether a username predates the rule that usernames must not read as numbers.
fn reads_as_a_number(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_digit())
}
