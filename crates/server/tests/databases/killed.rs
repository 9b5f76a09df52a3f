//! A server that is killed in the middle of its work keeps every promise that it made.

use std::collections::{BTreeMap, BTreeSet};
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
const PATIENCE: Duration = Duration::from_secs(45);

const SETTINGS: &str = "SECURITY_REGISTERABLE = true\n\
                        SECURITY_CONFIRMABLE = true\n\
                        MAIL_TIMEOUT = 1\n\
                        VESTIBULE_OUTBOX_LEASE = \"5 seconds\"\n";

/// All register while the server is killed after a moment. Who was told that it is done.
fn register_until_killed(site: &mut Site, round: usize, moment: Duration) -> BTreeSet<String> {
    let port = site.server.port;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn(move || {
                    let email = format!("r{round}n{number}@example.com");
                    let request = Request::post("/api/accounts/register", &newcomer(&email));
                    let answer = request.send(port).ok()?;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    Some(email)
                })
            })
            .collect();
        std::thread::sleep(moment);
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

/// Waits until everybody who has an account has a mail, too.
fn wait_for_mails(site: &Site, accounts: &BTreeSet<String>) {
    let start = Instant::now();
    loop {
        let mailed = mailed(site);
        let missing = accounts.iter().filter(|email| !mailed.contains_key(*email));
        let missing = missing.count();
        if missing == 0 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{missing} mails never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One server, killed again and again: how many were promised something, and how many mails
/// came a second time.
fn kill_again_and_again(database: Database, number: usize) -> (usize, usize) {
    let mut site = Site::start(database, &format!("{COMMON}{SETTINGS}"));
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        // Spread over what the registrations take, differently for each server and round.
        let spread = (round * SERVERS + number) * 37 % 20;
        let moment = Duration::from_millis(20 + 45 * u64::try_from(spread).unwrap());
        promised.extend(register_until_killed(&mut site, round, moment));
        site.server = Server::start(&site.folder, &[]);
        let accounts: BTreeSet<String> = site.accounts().into_iter().collect();
        let lost: Vec<_> = promised.difference(&accounts).collect();
        assert!(lost.is_empty(), "answered, and not there: {lost:?}");
        wait_for_mails(&site, &accounts);
        let strangers: Vec<_> = mailed(&site)
            .into_keys()
            .filter(|email| !accounts.contains(email))
            .collect();
        assert!(strangers.is_empty(), "mails of no account: {strangers:?}");
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
    println!(
        "{} kills: {promised} of {} registrations answered, {twice} mails sent twice",
        SERVERS * ROUNDS,
        SERVERS * ROUNDS * CLIENTS
    );
    assert!(promised > 0, "some were answered before the kill");
    assert!(promised < SERVERS * ROUNDS * CLIENTS, "and some were not");
}

on_each_database! {
    what_was_answered_is_there_after_a_kill_and_its_mail_comes
}
