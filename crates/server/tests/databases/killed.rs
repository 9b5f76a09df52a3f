//! A server that is killed in the middle of its work keeps every promise that it made.

#![expect(clippy::print_stdout, reason = "the figures are shown")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::http::Request;
use crate::program::Server;
use crate::site::{COMMON, Database, Site, newcomer};

/// How often it is killed: so many servers, each so many times.
const SERVERS: usize = 4;
const ROUNDS: usize = 5;

/// How many register in each round.
const CLIENTS: usize = 200;

/// A mail that was on its way waits for the lease to end, and then for the next look.
const PATIENCE: Duration = Duration::from_secs(180);

const SETTINGS: &str = "SECURITY_REGISTERABLE = true\n\
                        SECURITY_CONFIRMABLE = true\n\
                        SECURITY_POST_CONFIRM_VIEW = \"/confirmed\"\n\
                        SECURITY_CONFIRM_ERROR_VIEW = \"/confirm-error\"\n\
                        MAIL_TIMEOUT = 1\n\
                        VESTIBULE_OUTBOX_LEASE = \"5 seconds\"\n";

/// All register, and the server is killed as soon as so many have an answer. Who was told that
/// it is done.
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
                        // So many at once may find no connection to the database in time.
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

/// How many mails came to each address.
fn mailed(site: &Site) -> BTreeMap<String, usize> {
    let mut mailed = BTreeMap::new();
    for mail in site.post.from(0, 0) {
        assert_eq!(mail.to.len(), 1);
        *mailed.entry(mail.to[0].clone()).or_default() += 1;
    }
    mailed
}

/// Waits until no mail waits: none is on its way at two kills.
fn wait_for_mails(site: &Site) {
    let start = Instant::now();
    while site.waiting() > 0 {
        let (waiting, time) = (site.waiting(), start.elapsed());
        assert!(time < PATIENCE, "{waiting} mails still wait");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One server, killed again and again: how many were promised something, and how many mails
/// came a second time.
fn kill_again_and_again(database: Database, number: usize) -> (usize, usize) {
    let mut site = Site::start(database, &format!("{COMMON}{SETTINGS}"));
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        // Each at another point, from before the first answer to shortly before the last.
        let enough = (round * SERVERS + number) * CLIENTS / (SERVERS * ROUNDS);
        promised.extend(register_until_killed(&mut site, round, enough));
        site.server = Server::start(&site.folder, &[]);
        let accounts: BTreeSet<String> = site.accounts().into_iter().collect();
        let lost: Vec<_> = promised.difference(&accounts).collect();
        assert!(lost.is_empty(), "answered, and not there: {lost:?}");
        wait_for_mails(&site);
        let mailed: BTreeSet<String> = mailed(&site).into_keys().collect();
        let unequal: Vec<_> = mailed.symmetric_difference(&accounts).collect();
        assert!(
            unequal.is_empty(),
            "a mail or an account alone: {unequal:?}"
        );
    }
    let mailed = mailed(&site);
    let most = mailed.values().max().copied().unwrap_or_default();
    assert!(most <= 2, "a mail came {most} times");
    let twice = mailed.values().filter(|count| **count == 2).count();
    (promised.len(), twice)
}

fn what_was_answered_is_there_after_a_kill_and_its_mail_comes(database: Database) {
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
        "some, and not all"
    );
}

on_each_database! {
    what_was_answered_is_there_after_a_kill_and_its_mail_comes
}
