//! A killed server loses nothing that it acknowledged.

#![expect(clippy::print_stdout, reason = "the test reports its figures")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::http::Request;
use crate::program::Server;
use crate::site::{COMMON, Database, Site, newcomer};

/// The number of servers, and how often each is killed.
const SERVERS: usize = 4;
const ROUNDS: usize = 5;

/// The number of clients that register in each round.
const CLIENTS: usize = 200;

/// Far longer than a mail takes after a kill interrupted it: it waits for its lease to expire and for
/// the next poll of the outbox.
const PATIENCE: Duration = Duration::from_secs(180);

const SETTINGS: &str = "SECURITY_REGISTERABLE = true\n\
                        SECURITY_CONFIRMABLE = true\n\
                        SECURITY_POST_CONFIRM_VIEW = \"/confirmed\"\n\
                        SECURITY_CONFIRM_ERROR_VIEW = \"/confirm-error\"\n\
                        MAIL_TIMEOUT = 1\n\
                        VESTIBULE_OUTBOX_LEASE = \"5 seconds\"\n";

/// Lets all clients register, and kills the server as soon as `enough` of them have an answer.
///
/// Returns the addresses whose registration the server acknowledged.
fn register_until_killed(site: &mut Site, round: usize, enough: usize) -> BTreeSet<String> {
    let (port, answered) = (site.server.port, &AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn(move || {
                    let email = format!("r{round}n{number}@example.com");
                    let request = Request::post("/api/accounts/register", &newcomer(&email));
                    let answer = request.send(port).ok()?;
                    answered.fetch_add(1, Ordering::Relaxed);
                    match answer.status {
                        200 => Some(email),
                        // With so many clients, a database connection may not be free in time.
                        503 => None,
                        _ => panic!("{answer:?}"),
                    }
                })
            })
            .collect();
        let start = Instant::now();
        while answered.load(Ordering::Relaxed) < enough && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        site.server.child.kill().unwrap();
        site.server.child.wait().unwrap();
        clients
            .into_iter()
            .filter_map(|client| client.join().unwrap())
            .collect()
    })
}

/// The number of mails that arrived for each address.
fn mailed(site: &Site) -> BTreeMap<String, usize> {
    let mut mailed = BTreeMap::new();
    for mail in site.post.from(0, 0) {
        assert_eq!(mail.to.len(), 1);
        *mailed.entry(mail.to[0].clone()).or_default() += 1;
    }
    mailed
}

/// Waits until the outbox is empty, so that no mail is being sent during two kills.
fn wait_for_mails(site: &Site) {
    let start = Instant::now();
    while site.waiting() > 0 {
        let (waiting, time) = (site.waiting(), start.elapsed());
        assert!(time < PATIENCE, "{waiting} mails are still in the outbox");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Kills one server again and again.
///
/// Returns how many registrations it acknowledged, and how many mails arrived twice.
fn kill_again_and_again(database: Database, number: usize) -> (usize, usize) {
    let mut site = Site::start(database, &format!("{COMMON}{SETTINGS}"));
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        // Each kill comes at another point, from before the first answer to just before the last.
        let enough = (round * SERVERS + number) * CLIENTS / (SERVERS * ROUNDS);
        promised.extend(register_until_killed(&mut site, round, enough));
        site.server = Server::start(&site.folder, &[]);
        let accounts: BTreeSet<String> = site.accounts().into_iter().collect();
        let lost: Vec<_> = promised.difference(&accounts).collect();
        assert!(lost.is_empty(), "acknowledged, but lost: {lost:?}");
        wait_for_mails(&site);
        let mailed: BTreeSet<String> = mailed(&site).into_keys().collect();
        let unequal: Vec<_> = mailed.symmetric_difference(&accounts).collect();
        assert!(
            unequal.is_empty(),
            "an account without a mail, or the reverse: {unequal:?}"
        );
    }
    let mailed = mailed(&site);
    let most = mailed.values().max().copied().unwrap_or_default();
    assert!(most <= 2, "a mail arrived {most} times");
    let twice = mailed.values().filter(|count| **count == 2).count();
    (promised.len(), twice)
}

fn acknowledged_registrations_and_their_mails_survive_a_kill(database: Database) {
    let totals = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..SERVERS)
            .map(|number| scope.spawn(move || kill_again_and_again(database, number)))
            .collect();
        let results = servers.into_iter().map(|server| server.join().unwrap());
        results.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    let (promised, twice) = totals;
    let (kills, all) = (SERVERS * ROUNDS, SERVERS * ROUNDS * CLIENTS);
    println!("{kills} kills: {promised} of {all} registrations answered, {twice} mails sent twice");
    assert!(
        all * 2 / 5 < promised && promised < all,
        "some registrations must be acknowledged, but not all"
    );
}

on_each_database! {
    acknowledged_registrations_and_their_mails_survive_a_kill
}
