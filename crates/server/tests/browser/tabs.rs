//! Two tabs of one browser, with a ceremony in each at the same time.

use serde_json::{Value, json};

use crate::authenticator::{Authenticator, Kind};
use crate::site::Site;

/// A ceremony in one tab that stops before its second request. By then the browser is done: it
/// does not let a tab in the background use an authenticator.
struct Held<'a> {
    site: &'a Site,
    tab: &'a str,
}

impl<'a> Held<'a> {
    fn begin(site: &'a Site, tab: &'a str, name: &str, changes: &Value) -> Self {
        site.chromium.switch_to(tab);
        let script = "const [name, changes] = arguments
            return new Promise(reached => {
              const hold = () => { reached(); return new Promise(go => { window.go = go }) }
              window.outcome = ceremony(name, changes, hold)
              window.outcome.finally(reached)
            })";
        site.chromium.run(script, &[json!(name), changes.clone()]);
        Self { site, tab }
    }

    #[track_caller]
    fn succeeds(self) {
        self.site.chromium.switch_to(self.tab);
        let done = self
            .site
            .chromium
            .run("window.go?.(); return window.outcome", &[]);
        assert_eq!(done["status"], 200, "{done:#}");
    }
}

#[test]
fn ceremonies_in_two_tabs_do_not_disturb_each_other() {
    let site = Site::start("");
    let left = site.chromium.tab();
    let _phone = Authenticator::plug_in(&site.chromium, Kind::Modern);
    site.sign_in();
    let right = site.new_tab();
    let _key = Authenticator::plug_in(&site.chromium, Kind::Modern);

    let phone = Held::begin(&site, &left, "register", &json!({ "name": "Phone" }));
    let key = Held::begin(&site, &right, "register", &json!({ "name": "Key" }));
    phone.succeeds();
    key.succeeds();
    let mut names: Vec<Value> = site
        .passkeys()
        .iter()
        .map(|key| key["name"].clone())
        .collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["Key", "Phone"]);

    let first = Held::begin(&site, &left, "verify", &json!({}));
    let second = Held::begin(&site, &right, "verify", &json!({}));
    second.succeeds();
    first.succeeds();

    site.sign_out();
    let first = Held::begin(&site, &left, "signIn", &json!({}));
    let second = Held::begin(&site, &right, "signIn", &json!({}));
    second.succeeds();
    assert!(site.is_signed_in());
    first.succeeds();
    assert!(site.is_signed_in());
}
