//! A link works once. Two conditions see to that: the ledger of consumed secrets, and the state in
//! which the user's row still has to be. Each of them suffices without the other, also for requests
//! that all found the link valid before any of them used it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vestibule::admin::NewAccount;
use vestibule_store::sql::TableNames;
use vestibule_store::{MemoryStore, Store, UserPatch};

use crate::support::mails::destination;
use crate::support::sqlite::Folder;
use crate::support::watched::{Removes, Watched};
use crate::support::{ANA, LIFE, TestApp};

const REQUESTS: usize = 16;
const NEW: &str = "new@example.com";
const MOVED: &str = "moved@example.com";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Reset,
    Confirm,
    ChangeEmail,
    SignIn,
}

/// The links that change the user's row in a way that makes them invalid.
const CHANGING: [Link; 3] = [Link::Reset, Link::Confirm, Link::ChangeEmail];

impl Link {
    /// The address of the user whose link it is.
    fn user(self) -> &'static str {
        if self == Self::Confirm { NEW } else { ANA }
    }

    fn settings(self) -> &'static str {
        if self == Self::SignIn {
            "SECURITY_PASSWORDLESS = true\n"
        } else {
            ""
        }
    }

    /// An application on this store, and the path of a link that it mailed.
    async fn mailed(self, store: &Arc<Watched>, extra: &str) -> (TestApp, String) {
        let lines = format!("{LIFE}{}{extra}", self.settings());
        let store = Arc::clone(store);
        let app = TestApp::built(&lines, |builder| builder.datastore(store)).await;
        if self == Self::Confirm {
            app.user(NEW, |draft| NewAccount {
                confirmed: false,
                ..draft
            })
            .await;
        }
        let (path, to) = match self {
            Self::Reset => ("reset", ANA),
            Self::Confirm => ("confirm", NEW),
            Self::ChangeEmail => ("change-email", MOVED),
            Self::SignIn => ("login", ANA),
        };
        let mut browser = match self {
            Self::ChangeEmail => app.signed_in().await.with_csrf().await,
            _ => app.browser(),
        };
        let path = format!("/api/accounts/{path}");
        let answer = browser.post(&path, json!({"email": to})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let link = app.link(to).await;
        (app, link)
    }

    /// Uses the link once. Returns whether that had an effect, as far as the answer tells.
    async fn open(self, app: &TestApp, link: &str) -> bool {
        let mut browser = app.browser();
        if self == Self::Reset {
            let body = json!({"password": "correct horse", "password_confirm": "correct horse"});
            let answer = browser.post(link, body).await;
            if answer.status != 200 {
                let verdict = (400, "INVALID_RESET_PASSWORD_TOKEN".into());
                assert_eq!(answer.verdict(), verdict);
            }
            return answer.status == 200;
        }
        let (success, failure) = match self {
            Self::Confirm => ("/confirmed", "/confirm-error"),
            Self::ChangeEmail => ("/email-changed", "/email-error"),
            Self::SignIn | Self::Reset => ("/in", "/login-error"),
        };
        let (view, _) = destination(&browser.get(link).await);
        assert!(view == success || view == failure, "{view}");
        let signed_in = browser.get("/api/accounts/authz").await.status == 200;
        assert_eq!(signed_in, self == Self::SignIn && view == success);
        view == success
    }

    /// Uses the link with many requests at once. Returns how many had an effect.
    async fn open_at_once(self, app: &TestApp, link: &str) -> usize {
        let requests = (0..REQUESTS).map(|_| self.open(app, link));
        let all = futures_util::future::join_all(requests);
        // A request that never reaches the store leaves the others waiting.
        let outcomes = tokio::time::timeout(Duration::from_secs(60), all).await;
        let outcomes = outcomes.expect("every request finds the link valid");
        outcomes.into_iter().filter(|effective| *effective).count()
    }
}

/// A store in memory and one in a file.
fn stores(folder: &Folder) -> [Arc<dyn Store>; 2] {
    let in_memory = Arc::new(MemoryStore::default());
    [in_memory, folder.store(&TableNames::default())]
}

async fn one_use_without(removes: Removes, links: &[Link]) {
    for link in links {
        let folder = Folder::new();
        for inner in stores(&folder) {
            let store = Arc::new(Watched::without(inner, removes, REQUESTS));
            let (app, path) = link.mailed(&store, "").await;
            let effective = link.open_at_once(&app, &path).await;
            assert_eq!(store.consuming(), REQUESTS, "{link:?}");
            assert_eq!(effective, 1, "{link:?} without {removes:?}");
        }
    }
}

#[tokio::test]
async fn attack_single_use_with_both_conditions_one_of_16_requests_uses_a_link() {
    let every = [&CHANGING[..], &[Link::SignIn]].concat();
    one_use_without(Removes::Nothing, &every).await;
}

#[tokio::test]
async fn attack_single_use_the_ledger_alone_lets_one_of_16_requests_use_a_link() {
    let every = [&CHANGING[..], &[Link::SignIn]].concat();
    one_use_without(Removes::Conditions, &every).await;
}

/// A sign-in does not change what its link is bound to, so only the ledger limits those links.
#[tokio::test]
async fn attack_single_use_the_users_row_alone_lets_one_of_16_requests_use_a_link() {
    one_use_without(Removes::Secrets, &CHANGING).await;
}

#[tokio::test]
async fn attack_race_a_link_is_refused_if_its_user_changes_between_check_and_use() {
    let address = || UserPatch {
        email: Some("elsewhere@example.com".to_owned()),
        ..UserPatch::default()
    };
    let uniquifier = || UserPatch {
        fs_uniquifier: Some("a new uniquifier".to_owned()),
        ..UserPatch::default()
    };
    let tracked = [
        (Link::Reset, ""),
        (Link::Confirm, ""),
        (Link::ChangeEmail, ""),
        (Link::SignIn, ""),
        // The sign-in writes nothing to the row, which has to be checked all the same.
        (Link::SignIn, "SECURITY_TRACKABLE = false\n"),
    ];
    for (link, extra) in tracked {
        for (what, patch) in [("address", address()), ("uniquifier", uniquifier())] {
            let folder = Folder::new();
            for inner in stores(&folder) {
                // The ledger does not refuse the request; and the change to the row is the second
                // party that the request waits for.
                let store = Watched::without(Arc::clone(&inner), Removes::Secrets, 2);
                let store = Arc::new(store);
                let (app, path) = link.mailed(&store, extra).await;
                let user = app.stored(link.user()).await;
                let now = app.app().clock().now();
                let change = async {
                    while store.consuming() == 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    let changed = inner.update_user(user.id, patch.clone(), now).await;
                    assert!(changed.unwrap());
                    store.meet().await;
                };
                let both = futures_util::future::join(link.open(&app, &path), change);
                let both = tokio::time::timeout(Duration::from_secs(60), both).await;
                let (effective, ()) = both.expect("the request finds the link valid");
                assert!(!effective, "{link:?} {extra}, the {what} changed");
            }
        }
    }
}
