//! Many concurrent registrations of one address or of one username.

use std::collections::BTreeMap;

use serde_json::json;

use crate::http::{Request, Response};
use crate::post::Mail;
use crate::site::{AT_ONCE, COMMON, Database, Site, code, newcomer};

const REGISTER: &str = "/api/accounts/register";

const OPEN: &str = r#"
SECURITY_REGISTERABLE = true
SECURITY_CONFIRMABLE = true
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
"#;

fn start(database: Database, more: &str) -> Site {
    Site::start(database, &format!("{COMMON}{OPEN}{more}"))
}

/// The same address in a different mix of upper and lower case.
fn spelling(number: usize) -> String {
    let letters = "ana".char_indices().map(|(place, letter)| {
        let large = number >> place & 1 == 1;
        if large {
            letter.to_ascii_uppercase()
        } else {
            letter
        }
    });
    letters.chain("@example.com".chars()).collect()
}

/// The number of answers with each status and code.
fn tally(answers: &[Response]) -> BTreeMap<(u16, String), usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let code = match answer.status {
            200 => String::new(),
            _ => code(answer),
        };
        *tally.entry((answer.status, code)).or_default() += 1;
    }
    tally
}

/// Checks that exactly `expected` mails were sent, and returns them. A later mail arrives after all
/// earlier ones, so it proves that there are no more.
fn mails(site: &Site, expected: usize) -> Vec<Mail> {
    let mails = site.post.from(0, expected);
    let later = "later@example.com";
    assert_eq!(site.post("/register", &newcomer(later)).status, 200);
    site.post.wait_for(later, 1);
    assert_eq!(mails.len(), expected);
    assert_eq!(site.post.count(), expected + 1, "no more mails");
    mails
}

fn attack_race_to_register_one_address_has_one_winner(database: Database) {
    let site = start(database, "");
    let answers = site.at_once(|number| Request::post(REGISTER, &newcomer(&spelling(number))));
    let expected = BTreeMap::from([
        ((200, String::new()), 1),
        ((400, "EMAIL_ALREADY_ASSOCIATED".to_owned()), AT_ONCE - 1),
    ]);
    assert_eq!(tally(&answers), expected);
    let accounts = site.accounts();
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    assert_eq!(mails(&site, 1)[0].to, accounts);
}

fn attack_race_to_register_one_address_does_not_reveal_the_winner(database: Database) {
    // Every client's mail is counted here, which the limit on mails to one recipient would prevent.
    let settings = "SECURITY_RETURN_GENERIC_RESPONSES = true\nSECURITY_LIMITS = \"off\"";
    let site = start(database, settings);
    let answers = site.at_once(|number| Request::post(REGISTER, &newcomer(&spelling(number))));
    let said: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            let mut said = answer.json().unwrap();
            assert!(said["response"]["csrf_token"].take().is_string(), "{said}");
            said
        })
        .collect();
    assert!(said.iter().all(|other| *other == said[0]), "{said:?}");
    assert_eq!(site.accounts().len(), 1, "{:?}", site.accounts());
    // One mail confirms the address; the others say that the account exists.
    let mails = mails(&site, AT_ONCE);
    let confirms = |mail: &&Mail| {
        let links = mail.links();
        links
            .iter()
            .any(|link| link.starts_with("/api/accounts/confirm/"))
    };
    assert_eq!(mails.iter().filter(confirms).count(), 1);
    assert!(
        mails.iter().all(|mail| mail.to == mails[0].to),
        "every mail goes to the same address"
    );
}

fn attack_race_to_register_one_username_has_one_winner(database: Database) {
    let site = start(database, "SECURITY_USERNAME_ENABLE = true");
    let answers = site.at_once(|number| {
        let mut body = newcomer(&format!("person{number}@example.com"));
        body["username"] = json!("theone");
        Request::post(REGISTER, &body)
    });
    let expected = BTreeMap::from([
        ((200, String::new()), 1),
        ((400, "USERNAME_ALREADY_ASSOCIATED".to_owned()), AT_ONCE - 1),
    ]);
    assert_eq!(tally(&answers), expected);
    let winner = answers.iter().position(|answer| answer.status == 200);
    let winner = format!("person{}@example.com", winner.unwrap());
    assert_eq!(site.accounts(), [winner.as_str()]);
    assert_eq!(mails(&site, 1)[0].to, [winner]);
}

on_each_database! {
    attack_race_to_register_one_address_has_one_winner
    attack_race_to_register_one_address_does_not_reveal_the_winner
    attack_race_to_register_one_username_has_one_winner
}
