//! Refresh-token families.

use time::OffsetDateTime;

use super::{Tables, conflict};
use crate::{NewTracker, RefreshTracker, StoreError};

impl Tables {
    /// Fails if the identifier of a new family is taken.
    pub(super) fn check_family(&self, new: &NewTracker) -> Result<(), StoreError> {
        let mut known = self.trackers.iter();
        if known.any(|known| known.family == new.family) {
            return Err(conflict("refresh_family"));
        }
        Ok(())
    }

    pub(super) fn create_family(&mut self, new: NewTracker) -> Result<RefreshTracker, StoreError> {
        self.check_family(&new)?;
        let tracker = RefreshTracker {
            user_id: new.user_id,
            family: new.family,
            generation: 1,
            name: new.name,
            created_at: new.created_at,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: new.created_at,
        };
        self.trackers.push(tracker.clone());
        Ok(tracker)
    }

    /// Whether the family exists and is not revoked.
    pub(super) fn has_active_family(&self, family: &str) -> bool {
        let mut trackers = self.trackers.iter();
        trackers.any(|tracker| tracker.family == family && tracker.revoked_at.is_none())
    }

    pub(super) fn revoke_family(&mut self, family: &str, now: OffsetDateTime) -> bool {
        let mut trackers = self.trackers.iter_mut();
        let open =
            trackers.find(|tracker| tracker.family == family && tracker.revoked_at.is_none());
        let Some(tracker) = open else {
            return false;
        };
        tracker.revoked_at = Some(now);
        true
    }
}
