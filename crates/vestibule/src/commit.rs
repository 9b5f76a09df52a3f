//! Applying a change together with the audit entry and the event that belong to it.

use vestibule_store::{Applied, Change, StoreError, User, UserId, UserKey};

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;

impl App {
    /// Applies a change and wakes the outbox if the change brought mail.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another account holds an identity that the change claims, and
    /// whatever else the store reports.
    pub(crate) async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        let has_mail = !change.mails.is_empty();
        let applied = self.store().apply(change, self.clock().now()).await?;
        if has_mail && matches!(applied, Applied::Done(_)) {
            self.outbox().wake();
        }
        Ok(applied)
    }

    /// Applies a change in one transaction with the audit entry of an event. Listeners receive the
    /// event only if the change was applied.
    ///
    /// # Errors
    /// As [`App::apply`].
    pub(crate) async fn commit(
        &self,
        info: &RequestInfo,
        change: Change,
        event: &Event<'_>,
    ) -> Result<Applied, StoreError> {
        self.commit_all(info, change, &[event]).await
    }

    /// [`App::commit`] with several events, in the order in which they happened.
    ///
    /// # Errors
    /// As [`App::apply`].
    pub(crate) async fn commit_all(
        &self,
        info: &RequestInfo,
        change: Change,
        events: &[&Event<'_>],
    ) -> Result<Applied, StoreError> {
        let change = Change {
            events: self.audit_entries(info, events),
            ..change
        };
        let applied = self.apply(change).await?;
        if matches!(applied, Applied::Done(_)) {
            for event in events {
                self.hooks().emit(event, info);
            }
        }
        Ok(applied)
    }

    /// Writes an event without a change to the audit log, and emits it to the listeners.
    pub(crate) async fn record(&self, info: &RequestInfo, event: &Event<'_>) -> Result<(), Fault> {
        self.commit(info, Change::default(), event).await?;
        Ok(())
    }

    /// Reads a user that this request has just changed.
    ///
    /// # Errors
    /// When the user was deleted meanwhile, or the store fails.
    pub(crate) async fn reload(&self, id: UserId) -> Result<User, Fault> {
        let user = self.store().user(UserKey::Id(id)).await?;
        user.ok_or_else(|| Fault::Internal(format!("user {id} was deleted during the request")))
    }
}
