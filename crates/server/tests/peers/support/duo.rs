//! Both servers with the same configuration and equal databases, which get the same requests.

use serde_json::Value;

use super::compare;
use super::config;
use super::cookies;
use super::database::{self, Users};
use super::folder::Folder;
use super::http::{Request, Response};
use super::jar::{Jar, set_cookies};
use super::known::{Aspect, Known};
use super::peer::{Reference, Vestibule, fresh_database};
use super::post::{Mail, Post};
use super::sms::{Sms, SmsService};

const AGENT: &str = "oracle-browser/1.0";

/// One browser, with a cookie jar for each server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) ours: Jar,
    pub(crate) theirs: Jar,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Applies the same change to both jars.
    pub(crate) fn both(&mut self, change: impl Fn(&mut Jar)) {
        change(&mut self.ours);
        change(&mut self.theirs);
    }

    /// Makes the proofs of identity in both sessions 1000 seconds older.
    pub(crate) fn grow_stale(&mut self) {
        self.both(|jar| {
            let session = jar.get("session").expect("a session");
            let older = cookies::older(session, 1000.0, config::SECRET);
            jar.set("session", &older);
        });
    }
}

/// The answers of both servers.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) ours: Response,
    pub(crate) theirs: Response,
}

/// The two servers, and every difference found so far.
#[derive(Debug)]
pub(crate) struct Duo {
    pub(crate) ours: Vestibule,
    pub(crate) theirs: Reference,
    post: Option<(Post, Post)>,
    sms: Option<(SmsService, SmsService)>,
    before: (Users, Users),
    exchanges: usize,
    faults: Vec<String>,
    _folder: Folder,
}

impl Pair {
    /// A member of `response.user` in each answer.
    pub(crate) fn of_user(&self, member: &str) -> (String, String) {
        let member = |answer: &Response| {
            let body = answer.json().unwrap_or_default();
            let value = &body["response"]["user"][member];
            value.as_str().unwrap_or_default().to_owned()
        };
        (member(&self.ours), member(&self.theirs))
    }
}

impl Duo {
    /// Starts both in the single-page-app configuration with these keys changed.
    pub(crate) fn start(name: &str, changes: &Value) -> Self {
        Self::with_services(name, changes, None, None)
    }

    /// Like [`Self::start`], and compares mails too. Each server has an SMTP server of its own.
    pub(crate) fn start_with_mail(name: &str, changes: &Value) -> Self {
        Self::with_services(name, changes, Some((Post::open(), Post::open())), None)
    }

    /// Like [`Self::start_with_mail`], and compares SMS too.
    pub(crate) fn start_with_mail_and_sms(name: &str, changes: &Value) -> Self {
        let sms = (SmsService::open(), SmsService::open());
        Self::with_services(name, changes, Some((Post::open(), Post::open())), Some(sms))
    }

    fn with_services(
        name: &str,
        changes: &Value,
        post: Option<(Post, Post)>,
        sms: Option<(SmsService, SmsService)>,
    ) -> Self {
        let folder = Folder::new(name);
        let config = config::spa_with(changes);
        let with_counter = |counter: Option<&Post>, sms: Option<&SmsService>| {
            let mut config = config.clone();
            if let Some(sms) = sms {
                config.insert("SECURITY_SMS_SERVICE".into(), "webhook".into());
                config.insert("SECURITY_SMS_SERVICE_CONFIG".into(), sms.config());
            }
            if let Some(post) = counter {
                config.insert("MAIL_SERVER".into(), "127.0.0.1".into());
                config.insert("MAIL_PORT".into(), post.port.into());
                // The tests must not look up example.com in the DNS.
                let offline = serde_json::json!({"check_deliverability": false});
                config.insert("SECURITY_EMAIL_VALIDATOR_ARGS".into(), offline);
            }
            config
        };
        let sides = (post.as_ref(), sms.as_ref());
        let our_config = with_counter(sides.0.map(|both| &both.0), sides.1.map(|both| &both.0));
        let their_config = with_counter(sides.0.map(|both| &both.1), sides.1.map(|both| &both.1));
        let (our_database, their_database) = (
            fresh_database(folder.file("ours.db")),
            fresh_database(folder.file("theirs.db")),
        );
        let ours = Vestibule::start(&our_config, &folder, our_database);
        let theirs = Reference::start(&their_config, &folder, their_database);
        let mut duo = Self {
            ours,
            theirs,
            post,
            sms,
            before: Default::default(),
            exchanges: 0,
            faults: Vec::new(),
            _folder: folder,
        };
        duo.before = duo.users();
        duo
    }

    fn users(&self) -> (Users, Users) {
        (self.ours.database.users(), self.theirs.database.users())
    }

    /// The paths of the last links that each server mailed to an address.
    pub(crate) fn links(&self, address: &str) -> (String, String) {
        let (ours, theirs) = self.post();
        (ours.link(address), theirs.link(address))
    }

    /// The mail servers of both.
    pub(crate) fn post(&self) -> &(Post, Post) {
        self.post.as_ref().expect("a duo with mail")
    }

    /// The SMS services of both.
    pub(crate) fn sms(&self) -> &(SmsService, SmsService) {
        self.sms.as_ref().expect("a duo with SMS")
    }

    /// Changes a user's column in both databases, outside any exchange.
    pub(crate) fn set(&mut self, email: &str, column: &str, value: &str) {
        self.ours.database.set(email, column, value);
        self.theirs.database.set(email, column, value);
        self.before = self.users();
    }

    /// Makes a user's address unconfirmed in both databases, outside any exchange.
    pub(crate) fn unconfirm(&mut self, email: &str) {
        self.ours.database.clear(email, "confirmed_at");
        self.theirs.database.clear(email, "confirmed_at");
        self.before = self.users();
    }

    /// One exchange: `build` makes each request from the jar of the server that it goes to.
    pub(crate) fn send(
        &mut self,
        name: &str,
        browser: &mut Browser,
        build: impl Fn(&Jar) -> Request,
    ) -> Pair {
        self.send_differing(name, browser, None, build)
    }

    /// One exchange in which each server gets its own value, such as a token that it issued.
    pub(crate) fn send_own(
        &mut self,
        name: &str,
        browser: &mut Browser,
        own: &(String, String),
        build: impl Fn(&Jar, &str) -> Request,
    ) -> Pair {
        self.send_own_differing(name, browser, None, own, build)
    }

    /// Like [`Self::send_own`], with a declared difference and the status of our answer.
    pub(crate) fn send_own_known(
        &mut self,
        name: &str,
        browser: &mut Browser,
        known: (Known, u16),
        own: &(String, String),
        build: impl Fn(&Jar, &str) -> Request,
    ) -> Pair {
        self.send_own_differing(name, browser, Some(known), own, build)
    }

    /// Like [`Self::send_own`] or, with a declared difference, like [`Self::send_own_known`].
    pub(crate) fn send_own_differing(
        &mut self,
        name: &str,
        browser: &mut Browser,
        known: Option<(Known, u16)>,
        own: &(String, String),
        build: impl Fn(&Jar, &str) -> Request,
    ) -> Pair {
        let (ours, theirs) = (build(&browser.ours, &own.0), build(&browser.theirs, &own.1));
        self.exchange(name, browser, known, &ours, &theirs)
    }

    /// Like [`Self::send`], with a declared difference and the status of our answer.
    pub(crate) fn send_known(
        &mut self,
        name: &str,
        browser: &mut Browser,
        known: Known,
        our_status: u16,
        build: impl Fn(&Jar) -> Request,
    ) -> Pair {
        self.send_differing(name, browser, Some((known, our_status)), build)
    }

    /// Like [`Self::send`] or, with a declared difference, like [`Self::send_known`].
    pub(crate) fn send_differing(
        &mut self,
        name: &str,
        browser: &mut Browser,
        known: Option<(Known, u16)>,
        build: impl Fn(&Jar) -> Request,
    ) -> Pair {
        let (ours, theirs) = (build(&browser.ours), build(&browser.theirs));
        self.exchange(name, browser, known, &ours, &theirs)
    }

    fn exchange(
        &mut self,
        name: &str,
        browser: &mut Browser,
        known: Option<(Known, u16)>,
        to_ours: &Request,
        to_theirs: &Request,
    ) -> Pair {
        self.exchanges += 1;
        let counts = self
            .post
            .as_ref()
            .map(|(ours, theirs)| (ours.count(), theirs.count()));
        let sms_counts = self
            .sms
            .as_ref()
            .map(|(ours, theirs)| (ours.count(), theirs.count()));
        let ours = ask(to_ours, &browser.ours, self.ours.port)
            .unwrap_or_else(|error| panic!("{name}: ours: {error}\n{}", self.ours.log()));
        let theirs = ask(to_theirs, &browser.theirs, self.theirs.port)
            .unwrap_or_else(|error| panic!("{name}: reference: {error}\n{}", self.theirs.log()));
        browser.ours.take(&set_cookies(&ours));
        browser.theirs.take(&set_cookies(&theirs));

        let same_status = ours.status == theirs.status;
        let mut found = compare::differences(&ours, &theirs);
        let after = self.users();
        let (mut our_rows, mut their_rows) = (
            database::changes(&self.before.0, &after.0),
            database::changes(&self.before.1, &after.1),
        );
        if our_rows != their_rows {
            let all = our_rows.clone();
            our_rows.retain(|cell, value| their_rows.get(cell) != Some(value));
            their_rows.retain(|cell, value| all.get(cell) != Some(value));
            found.push((
                Aspect::Database,
                format!("ours {our_rows:?}\n      reference {their_rows:?}"),
            ));
        }
        self.before = after;
        if let (Some((our_post, their_post)), Some(counts)) = (&self.post, counts) {
            // The reference sends its mails before it answers.
            let theirs = their_post.from(counts.1, 0);
            // Where the answers already differ, we may send no mail to wait for.
            let awaited = if same_status { theirs.len() } else { 0 };
            let ours = our_post.from(counts.0, awaited);
            let comparable = |mails: &[Mail]| {
                let mut all: Vec<String> = mails.iter().map(Mail::comparable).collect();
                all.sort();
                all
            };
            let (our_mails, their_mails) = (comparable(&ours), comparable(&theirs));
            if our_mails != their_mails {
                found.push((
                    Aspect::Mails,
                    format!("ours {our_mails:#?}\n      reference {their_mails:#?}"),
                ));
            }
        }
        if let (Some((our_sms, their_sms)), Some(counts)) = (&self.sms, sms_counts) {
            let theirs = their_sms.from(counts.1, 0);
            let awaited = if same_status { theirs.len() } else { 0 };
            let ours = our_sms.from(counts.0, awaited);
            let numbers = |all: Vec<Sms>| all.into_iter().map(|sms| sms.to).collect::<Vec<_>>();
            let (ours, theirs) = (numbers(ours), numbers(theirs));
            if ours != theirs {
                let text = format!("ours {ours:?}\n      reference {theirs:?}");
                found.push((Aspect::Sms, text));
            }
        }
        self.judge(name, known, &ours, found);
        Pair { ours, theirs }
    }

    /// Records differences that no declaration covers, and declarations that cover nothing.
    fn judge(
        &mut self,
        name: &str,
        known: Option<(Known, u16)>,
        ours: &Response,
        found: Vec<(Aspect, String)>,
    ) {
        let mut needed = false;
        for (aspect, text) in found {
            if known.is_some_and(|(known, _)| known.covers(aspect)) {
                needed = true;
            } else {
                self.faults
                    .push(format!("{name}: {aspect:?}:\n      {text}"));
            }
        }
        if let Some((known, status)) = known {
            if !needed {
                self.faults.push(format!(
                    "{name}: {known:?} is declared, but nothing differs"
                ));
            }
            if ours.status != status {
                self.faults.push(format!(
                    "{name}: our status is {}, not {status}",
                    ours.status
                ));
            }
        }
        if let Some(fault) = compare::envelope_fault(ours) {
            self.faults.push(format!("{name}: {fault}"));
        }
    }

    /// Ends the comparison, and checks that there is no difference and that the test made
    /// exactly this many exchanges.
    ///
    /// # Panics
    ///
    /// If either check fails.
    pub(crate) fn finish(self, exchanges: usize) {
        let logs = || {
            format!(
                "--- our log\n{}\n--- the reference's log\n{}",
                end(&self.ours.log()),
                end(&self.theirs.log())
            )
        };
        assert!(
            self.faults.is_empty(),
            "{} differences:\n  - {}\n{}",
            self.faults.len(),
            self.faults.join("\n  - "),
            logs()
        );
        assert_eq!(self.exchanges, exchanges, "the number of exchanges");
    }
}

/// Sends a request with the browser's `Cookie` and `User-Agent`, unless it has its own.
fn ask(request: &Request, jar: &Jar, port: u16) -> Result<Response, String> {
    let has = |wanted: &str| {
        request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let mut request = request.clone();
    if !has("user-agent") {
        request = request.header("User-Agent", AGENT);
    }
    if let (false, Some(cookies)) = (has("cookie"), jar.header()) {
        request = request.header("Cookie", cookies);
    }
    request.send(port)
}

/// The last lines of a log.
fn end(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
