//! Counting guesses: no more are granted than the limit, whatever happens at the same time.

use std::sync::Arc;
use std::time::Duration;

use vestibule_store::{Cutoffs, GuessKey, GuessSlot, Reservation, ReservedGuess, Store};

use crate::support::at;

fn key(principal: &str, device: &str) -> GuessKey {
    GuessKey {
        principal: principal.to_owned(),
        purpose: "password",
        device: device.to_owned(),
    }
}

fn slot(principal: &str, seconds: u64, allowed: u32) -> GuessSlot {
    GuessSlot {
        key: key(principal, ""),
        period: Duration::from_secs(seconds),
        allowed,
    }
}

async fn reserve(store: &Arc<dyn Store>, slots: &[GuessSlot], seconds: i64) -> Reservation {
    store.reserve_guess(slots, at(seconds)).await.unwrap()
}

/// Reserves a guess and expects it to be granted.
async fn granted(store: &Arc<dyn Store>, slots: &[GuessSlot], seconds: i64) -> Vec<ReservedGuess> {
    match reserve(store, slots, seconds).await {
        Reservation::Granted(guesses) => guesses,
        refused @ Reservation::Refused { .. } => panic!("{refused:?}"),
    }
}

/// Reserves a guess, expects it to be refused, and returns the second at which the window ends.
async fn refused(store: &Arc<dyn Store>, slots: &[GuessSlot], seconds: i64) -> i64 {
    match reserve(store, slots, seconds).await {
        Reservation::Refused { until } => (until - at(0)).whole_seconds(),
        granted @ Reservation::Granted(_) => panic!("{granted:?}"),
    }
}

fn counts(guesses: &[ReservedGuess]) -> Vec<u32> {
    guesses.iter().map(|guess| guess.count).collect()
}

pub(crate) async fn guesses_are_counted_until_the_window_ends(store: &Arc<dyn Store>) {
    let slots = [slot("ana", 900, 2), slot("ana", 86400, 3)];
    let first = granted(store, &slots, 0).await;
    assert_eq!(counts(&first), [1, 1]);
    assert_eq!(
        (first[0].ends_at, first[1].ends_at),
        (at(900), at(86400)),
        "in the order of the slots"
    );
    assert_eq!(counts(&granted(store, &slots, 10).await), [2, 2]);
    assert_eq!(refused(store, &slots, 20).await, 900);
    assert_eq!(refused(store, &slots, 899).await, 900);
    // A new window of the shorter period; the longer one continues.
    let next = granted(store, &slots, 900).await;
    assert_eq!(counts(&next), [1, 3]);
    assert_eq!((next[0].ends_at, next[1].ends_at), (at(1800), at(86400)));
    // Until the last of the full windows ends.
    assert_eq!(refused(store, &slots, 901).await, 86400);
    // A lower limit applies to a window that has begun.
    assert_eq!(refused(store, &[slot("ana", 86400, 1)], 902).await, 86400);
}

pub(crate) async fn a_full_counter_leaves_the_others_alone(store: &Arc<dyn Store>) {
    let (account, address) = (slot("ana", 900, 1), slot("192.0.2.1", 900, 5));
    granted(store, &[account.clone(), address.clone()], 0).await;
    for _ in 0..3 {
        refused(store, &[account.clone(), address.clone()], 1).await;
    }
    assert_eq!(counts(&granted(store, &[address], 1).await), [2]);
    // Another purpose and another device have counters of their own.
    let mut code = account.clone();
    code.key.purpose = "code";
    assert_eq!(counts(&granted(store, &[code], 1).await), [1]);
    let mut device = account.clone();
    device.key.device = "phone".to_owned();
    assert_eq!(counts(&granted(store, &[device], 1).await), [1]);
    assert_eq!(
        reserve(store, &[], 1).await,
        Reservation::Granted(Vec::new())
    );
}

pub(crate) async fn a_guess_is_given_back_to_its_own_window(store: &Arc<dyn Store>) {
    let slots = [slot("192.0.2.1", 900, 2)];
    let first = granted(store, &slots, 0).await;
    granted(store, &slots, 1).await;
    refused(store, &slots, 2).await;
    store.release_guesses(&first, &[]).await.unwrap();
    assert_eq!(counts(&granted(store, &slots, 3).await), [2]);
    // The window of this guess is over, and the next did not count it.
    granted(store, &slots, 900).await;
    store.release_guesses(&first, &[]).await.unwrap();
    assert_eq!(counts(&granted(store, &slots, 901).await), [2]);
}

pub(crate) async fn cleared_and_forgotten_counters_begin_again(store: &Arc<dyn Store>) {
    let slots = [slot("ana", 900, 1), slot("ana", 86400, 1)];
    let mut device = slot("ana", 900, 1);
    device.key.device = "phone".to_owned();
    let mut code = slot("ana", 900, 1);
    code.key.purpose = "code";
    let other = slot("bo", 900, 1);
    let all = || [&slots[..], &[device.clone(), code.clone(), other.clone()]].concat();
    granted(store, &all(), 0).await;

    // One counter, with all of its periods.
    store.release_guesses(&[], &[key("ana", "")]).await.unwrap();
    granted(store, &slots, 1).await;
    for left in [&device, &code, &other] {
        refused(store, std::slice::from_ref(left), 1).await;
    }
    // Every counter of one principal.
    assert_eq!(store.forget_guesses("ana").await, Ok(4));
    assert_eq!(store.forget_guesses("ana").await, Ok(0));
    granted(store, &all()[..4], 2).await;
    refused(store, &[other], 2).await;
}

pub(crate) async fn counters_are_purged_after_their_window(store: &Arc<dyn Store>) {
    granted(store, &[slot("ana", 900, 5), slot("ana", 86400, 5)], 0).await;
    let purge = async |seconds| {
        let cutoffs = Cutoffs {
            secrets: at(seconds),
            failed_mails: at(0),
            families: None,
        };
        store.purge(cutoffs).await.unwrap()
    };
    assert_eq!(purge(900).await, 0);
    assert_eq!(purge(901).await, 1);
    assert_eq!(
        counts(&granted(store, &[slot("ana", 86400, 5)], 901).await),
        [2]
    );
}

pub(crate) async fn attack_parallel_guesses_never_exceed_the_limit(store: &Arc<dyn Store>) {
    // The address is shared by two accounts, and its limit is not reached.
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = Arc::clone(store);
            let account = if number % 2 == 0 { "ana" } else { "bo" };
            let slots = [
                slot(account, 900, 10),
                slot(account, 86400, 50),
                slot("192.0.2.1", 900, 100),
            ];
            tokio::spawn(async move { (account, reserve(&store, &slots, 0).await) })
        })
        .collect();
    let mut granted_to = Vec::new();
    for task in tasks {
        if let (account, Reservation::Granted(_)) = task.await.unwrap() {
            granted_to.push(account);
        }
    }
    for account in ["ana", "bo"] {
        let number = granted_to.iter().filter(|found| **found == account).count();
        assert_eq!(number, 10, "{account}");
    }
    let address = granted(store, &[slot("192.0.2.1", 900, 100)], 1).await;
    assert_eq!(
        counts(&address),
        [21],
        "refused guesses are counted nowhere"
    );
}
