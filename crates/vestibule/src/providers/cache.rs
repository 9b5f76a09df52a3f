//! A document of a provider that is fetched when it is needed, and kept for a while.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ProviderError;

/// How long a document is used without asking again, in seconds.
const FRESH: i64 = 3600;

/// How long an old document is used while the provider cannot be reached, in seconds.
const KEPT: i64 = 86_400;

/// How long after a failure the provider is not asked again, in seconds.
const BACK_OFF: i64 = 10;

/// The shortest time between two refreshes that tokens cause, in seconds.
const BETWEEN_REFRESHES: i64 = 60;

/// A document that is fetched at most once at a time.
pub(super) struct Cached<T> {
    state: Mutex<State<T>>,
    /// Held by the one request that fetches.
    fetching: tokio::sync::Mutex<()>,
}

struct State<T> {
    value: Option<Arc<T>>,
    fetched_at: i64,
    refreshed_at: Option<i64>,
    failure: Option<(ProviderError, i64)>,
}

impl<T> Cached<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                value: None,
                fetched_at: 0,
                refreshed_at: None,
                failure: None,
            }),
            fetching: tokio::sync::Mutex::new(()),
        }
    }

    /// The document; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// That of `fetch`, if there is no document that may still be used.
    pub(super) async fn get<F>(
        &self,
        now: i64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        if let Some(value) = self.younger_than(FRESH, now) {
            return Ok(value);
        }
        let _turn = match self.younger_than(KEPT, now) {
            // One request refreshes the old document. The others use it meanwhile.
            Some(old) => match self.fetching.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(old),
            },
            None => self.fetching.lock().await,
        };
        if let Some(value) = self.younger_than(FRESH, now) {
            return Ok(value);
        }
        let failure = match self.recent_failure(now) {
            Some(failure) => failure,
            None => match self.fetch(now, fetch).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            },
        };
        self.younger_than(KEPT, now).ok_or(failure)
    }

    /// Fetches the document again, unless a token caused that within the last minute; then `None`.
    ///
    /// # Errors
    /// That of `fetch`.
    pub(super) async fn refresh<F>(
        &self,
        now: i64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let _turn = self.fetching.lock().await;
        {
            let mut state = self.state();
            let last = state.refreshed_at;
            if last.is_some_and(|last| is_within(BETWEEN_REFRESHES, last, now)) {
                return Ok(None);
            }
            state.refreshed_at = Some(now);
        }
        self.fetch(now, fetch).await.map(Some)
    }

    /// Fetches the document. A failure leaves the old one in place. A request that is dropped
    /// meanwhile is no failure: a client could cause those.
    async fn fetch<F>(&self, now: i64, fetch: impl FnOnce() -> F) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let fetched = fetch().await;
        let mut state = self.state();
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                state.value = Some(Arc::clone(&value));
                state.fetched_at = now;
                state.failure = None;
                Ok(value)
            }
            Err(failure) => {
                state.failure = Some((failure, now));
                Err(failure)
            }
        }
    }

    fn younger_than(&self, age: i64, now: i64) -> Option<Arc<T>> {
        let state = self.state();
        let value = state.value.as_ref()?;
        is_within(age, state.fetched_at, now).then(|| Arc::clone(value))
    }

    fn recent_failure(&self, now: i64) -> Option<ProviderError> {
        let (failure, at) = self.state().failure?;
        is_within(BACK_OFF, at, now).then_some(failure)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> std::fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}

/// Whether two moments are close, even if the clock was set back between them.
fn is_within(seconds: i64, moment: i64, now: i64) -> bool {
    now.abs_diff(moment) < seconds.unsigned_abs()
}
