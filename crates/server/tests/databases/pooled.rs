//! The program on PostgreSQL behind a pooler that may run each transaction in another session.

use crate::pooler::Pooler;
use crate::program::{Folder, done};
use crate::server::Schema;
use crate::site::{ANA, COMMON, Site};

#[test]
fn tables_are_created_and_users_sign_in_through_a_pooler() {
    for option in ["", "?pgbouncer=true"] {
        let schema = Schema::postgres();
        let pooler = Pooler::before(&schema.uri, 2);
        let uri = format!("{}{option}", pooler.uri);
        let folder = Folder::new();
        let site = Site::at(folder, &uri, COMMON, |folder| {
            done(&folder.run(&["db", "init"]));
        });
        site.create(ANA);
        for _ in 0..5 {
            let mut browser = site.browser();
            assert_eq!(browser.sign_in(ANA, crate::site::PASSWORD).status, 200);
            assert!(browser.is_in());
        }
        assert_eq!(site.browser().sign_in(ANA, "wrong").status, 400);
        assert!(
            site.at_once(|_| crate::http::Request::get("/readyz"))
                .iter()
                .all(|answer| answer.status == 200)
        );
    }
}
