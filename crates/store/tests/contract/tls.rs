//! Servers without TLS, and addresses that require it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use vestibule_store::StoreError;
use vestibule_store::sql::Database;

use crate::server::Schema;
use crate::support::Folder;

/// Accepts one client, sends it the greeting, and sends the reply after its first 8 bytes. Returns
/// what the client sent after those.
fn server(greeting: &'static [u8], reply: &'static [u8]) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(greeting).unwrap();
        if !reply.is_empty() {
            let mut request = [0; 8];
            client.read_exact(&mut request).unwrap();
            client.write_all(reply).unwrap();
        }
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        rest
    });
    (port, thread)
}

/// The first packet of a MySQL server without TLS.
const MYSQL: &[u8] = b"\x49\0\0\0\x0a8.0.0\0\x01\0\0\0abcdefgh\0\x00\x82\xff\x02\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0";

#[tokio::test]
async fn attack_tls_stripped_nothing_is_sent_in_clear_text_if_tls_is_required() {
    let folder = Folder::new();
    let ca = folder.file().with_extension("pem");
    std::fs::write(
        &ca,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let ca = ca.display();
    for options in [
        "sslmode=require".to_owned(),
        "SSLMODE=verify-full".to_owned(),
        "ssl=verify-full".to_owned(),
        format!("sslmode=require&sslrootcert={ca}"),
    ] {
        let (port, sent) = server(b"", b"N");
        let uri = format!("postgresql://ana:s3cret@127.0.0.1:{port}/x?{options}");
        refused(&uri).await;
        assert_eq!(sent.join().unwrap(), b"", "{options}");
    }
    for options in [
        format!("ssl_ca={ca}"),
        format!("ssl-ca={ca}"),
        "ssl_verify_cert=true".to_owned(),
        "ssl_verify_identity=true".to_owned(),
        "ssl_mode=REQUIRED".to_owned(),
    ] {
        let (port, sent) = server(MYSQL, b"");
        let uri = format!("mysql+pymysql://ana:s3cret@127.0.0.1:{port}/x?{options}");
        refused(&uri).await;
        assert_eq!(sent.join().unwrap(), b"", "{options}");
    }
    // A real server has no TLS, or a certificate that cannot be verified.
    let schema = Schema::mysql();
    refused(&format!("{}?ssl_ca={ca}", schema.uri)).await;
    refused(&format!("{}?ssl_verify_cert=true", schema.uri)).await;
    let schema = Schema::postgres();
    refused(&format!("{}?sslmode=verify-full", schema.uri)).await;
}

#[track_caller]
fn refused(uri: &str) -> impl Future<Output = ()> {
    let uri = uri.to_owned();
    async move {
        let refused = Database::at(&uri).unwrap().reach().await;
        match refused {
            Err(StoreError::Unavailable(why)) => {
                assert!(why.contains("secure connection"), "{uri}: {why}");
            }
            other => panic!("{uri}: {other:?}"),
        }
    }
}

/// The message says what was wrong, but not the line of the server's source that says so.
#[tokio::test]
async fn server_errors_say_what_was_wrong() {
    let schema = Schema::postgres();
    let (_, place) = schema.uri.rsplit_once('@').unwrap();
    let (server, _) = schema.uri.rsplit_once('/').unwrap();
    for (uri, part) in [
        (
            format!("postgresql://unknown_user@{place}"),
            "refuses the user or the password",
        ),
        (format!("{server}/no_such_database"), "does not exist"),
        (
            format!("{}?options=-c%20lock_timeout%3Dnever", schema.uri),
            "lock_timeout",
        ),
    ] {
        let error = Database::at(&uri).unwrap().reach().await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("at line"), "{said}");
        assert!(!said.contains("schema"), "{said}");
    }
}
