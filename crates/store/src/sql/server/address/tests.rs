use super::*;

/// Reads an address without environment variables.
fn read(uri: &str) -> Result<Address, StoreError> {
    Address::read(uri, &|_| None)
}

fn said(uri: &str) -> String {
    match read(uri) {
        Ok(_) => panic!("{uri} is read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn server_addresses_are_told_from_file_addresses() {
    for uri in [
        "postgresql://localhost/x",
        "postgresql+psycopg2://localhost/x",
        "postgres://localhost/x",
        "mysql+pymysql://localhost/x",
        "mariadb://localhost/x",
    ] {
        assert!(is_server(uri), "{uri}");
    }
    for uri in ["sqlite:///x.db", "oracle://localhost/x", "x.db", ""] {
        assert!(!is_server(uri), "{uri}");
    }
}

#[test]
fn addresses_are_those_of_sqlalchemy() {
    for uri in [
        "postgresql://ana:p%40ss%2Fword@db.example:5433/accounts?sslmode=require",
        "postgresql+psycopg://ana@/accounts?host=/var/run/postgresql&connect_timeout=3",
        "postgresql://ana@localhost/accounts?client_encoding=utf8&keepalives=1",
        "postgresql://ana@[::1]:5433/accounts?pgbouncer=true&connection_limit=1",
        "mysql+pymysql://ana:secret@localhost/accounts?charset=utf8mb4&autocommit=true",
        "mysql+mysqldb://ana@localhost/accounts?unix_socket=/run/mysqld/mysqld.sock",
    ] {
        assert!(
            read(uri).and_then(|address| address.target()).is_ok(),
            "{uri}"
        );
    }
    let address = read("postgresql://x/y?host=db&port=7&user=ana&password=s&dbname=z").unwrap();
    assert_eq!((address.host.as_str(), address.port), ("db", 7));
    assert_eq!(address.user.as_deref(), Some("ana"));
    assert_eq!(address.password.as_deref(), Some("s"));
    assert_eq!(address.database.as_deref(), Some("z"));
}

#[test]
fn attack_secret_in_a_log_a_mistake_in_an_address_does_not_show_it() {
    for uri in [
        "postgresql://ana:hunter2@local host/x",
        "postgresql://ana:hunter2@localhost:port/x",
        "postgresql://ana@localhost:port/x?password=hunter2",
        "postgresql://ana@localhost/x?password=a&sslhunter2=b",
        "postgresql://ana@localhost/x?sslmode=hunter2",
        "postgresql://ana@localhost/x?sslkey=-----BEGIN PRIVATE KEY-----hunter2",
        "postgresql://ana@localhost/x?pgbouncer=hunter2",
        "mysql://ana:hunter2@localhost/x?ssl-mode=perhaps",
        "postgresql:ana:hunter2@localhost",
    ] {
        assert!(!said(uri).contains("hunter2"), "{}", said(uri));
    }
}

/// The TLS mode of an address.
#[track_caller]
fn mode(uri: &str) -> Mode {
    match read(uri) {
        Ok(address) => address.tls.mode,
        Err(error) => panic!("{uri}: {error}"),
    }
}

#[test]
fn attack_tls_stripped_every_tls_option_is_followed() {
    for (query, expected) in [
        ("", Mode::Prefer),
        ("sslmode=disable", Mode::Off),
        ("sslmode=require", Mode::Require),
        ("SSLMODE=require", Mode::Require),
        ("ssl-mode=require", Mode::Require),
        ("sslmode=require&sslrootcert=/ca.pem", Mode::Verify),
        ("sslmode=verify-ca&sslrootcert=/ca.pem", Mode::Verify),
        ("sslmode=verify-full", Mode::Verify),
        ("ssl=verify-full", Mode::Verify),
        ("sslrootcert=system", Mode::Verify),
        ("sslcert=/c.pem&sslkey=/k.pem", Mode::Require),
        ("channel_binding=prefer&gssencmode=disable", Mode::Prefer),
        (
            "sslmode=require&ssl_min_protocol_version=TLSv1.2",
            Mode::Require,
        ),
    ] {
        let uri = format!("postgresql://db.example/x?{query}");
        assert_eq!(mode(&uri), expected, "{query}");
    }
    for (query, expected) in [
        ("", Mode::Prefer),
        ("ssl_ca=/ca.pem", Mode::Verify),
        ("ssl-ca=/ca.pem", Mode::Verify),
        ("sslca=/ca.pem", Mode::Verify),
        ("SSL_CA=/ca.pem", Mode::Verify),
        ("ssl_mode=REQUIRED&ssl_ca=/ca.pem", Mode::Verify),
        ("ssl_verify_cert=true", Mode::Verify),
        ("ssl_verify_identity=1", Mode::Verify),
        ("ssl_check_hostname=true", Mode::Verify),
        ("ssl-mode=VERIFY_IDENTITY", Mode::Verify),
        ("ssl-mode=VERIFY_CA", Mode::Verify),
        ("ssl_mode=required", Mode::Require),
        ("ssl_cert=/c.pem&ssl_key=/k.pem", Mode::Require),
        ("ssl_check_hostname=false", Mode::Require),
        ("ssl_disabled=true", Mode::Off),
        ("ssl_mode=DISABLED", Mode::Off),
    ] {
        let uri = format!("mysql+pymysql://db.example/x?{query}");
        assert_eq!(mode(&uri), expected, "{query}");
    }
}

#[test]
fn attack_tls_stripped_unsupported_tls_options_stop_the_start() {
    for (query, named) in [
        ("channel_binding=require", "channel_binding"),
        ("Channel-Binding=require", "channel_binding"),
        ("gssencmode=require", "gssencmode"),
        ("require_auth=scram-sha-256", "require_auth"),
        ("requirepeer=postgres", "requirepeer"),
        ("sslmode=", "sslmode"),
        ("sslmode=verify_full", "sslmode"),
        ("ssl=true", "ssl"),
        ("sslcrl=/crl.pem", "sslcrl"),
        ("sslpassword=x", "sslpassword"),
        (
            "ssl_min_protocol_version=TLSv1.3",
            "ssl_min_protocol_version",
        ),
        ("sslfuture=1", "about TLS"),
        ("sslrootcert=/ca.pem", "sslrootcert"),
        ("sslmode=prefer&sslrootcert=/ca.pem", "sslrootcert"),
        ("sslmode=disable&sslcert=/c&sslkey=/k", "sslcert"),
        ("sslmode=require&sslcert=/c.pem", "sslkey"),
        ("sslmode=require&sslmode=disable", "sslmode more than once"),
        ("sslmode=require&SSL-Mode=require", "sslmode more than once"),
        ("sslmode=require&ssl=disable", "sslmode more than once"),
        ("service=accounts", "file of options"),
    ] {
        let said = said(&format!("postgresql://db.example/x?{query}"));
        assert!(said.contains(named), "{query}: {said}");
    }
    for (query, named) in [
        ("ssl=true", "ssl"),
        ("ssl_capath=/etc/ssl", "ssl_capath"),
        ("ssl_cipher=AES", "ssl_cipher"),
        ("tls_versions=TLSv1.3", "tls_versions"),
        ("ssl_key_password=x", "ssl_key_password"),
        ("useSSL=true", "useSSL"),
        ("ssl_ca=", "ssl_ca"),
        (
            "ssl_ca=/ca.pem&ssl_check_hostname=false",
            "ssl_check_hostname",
        ),
        ("ssl_ca=/ca.pem&ssl_verify_cert=false", "ssl_verify_cert"),
        ("ssl_ca=/ca.pem&ssl-ca=/other.pem", "ssl_ca more than once"),
        ("ssl_ca=/ca.pem&ssl_disabled=true", "switches TLS off"),
        ("ssl_ca=/ca.pem&ssl_mode=DISABLED", "switches TLS off"),
        ("ssl_ca=/ca.pem&ssl_mode=PREFERRED", "PREFERRED"),
        ("ssl_verify_cert=perhaps", "ssl_verify_cert"),
        ("ssl_key=/k.pem", "ssl_cert"),
        ("read_default_file=/etc/my.cnf", "file of options"),
    ] {
        let said = said(&format!("mysql://db.example/x?{query}"));
        assert!(said.contains(named), "{query}: {said}");
    }
}

#[test]
fn attack_tls_stripped_variables_of_libpq_are_followed_or_stop_the_start() {
    let with = |name: &'static str, value: &'static str, uri: &str| {
        let environment = move |asked: &str| (asked == name).then(|| value.to_owned());
        let address = Address::read(uri, &environment);
        address.map(|address| address.tls.mode)
    };
    let uri = "postgresql://db.example/x";
    assert_eq!(with("PGSSLMODE", "verify-full", uri), Ok(Mode::Verify));
    let own = "postgresql://db.example/x?sslmode=require";
    assert_eq!(with("PGSSLMODE", "disable", own), Ok(Mode::Require));
    for (name, value) in [
        ("PGSSLMODE", "verify_full"),
        ("PGCHANNELBINDING", "require"),
    ] {
        let said = with(name, value, uri).unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(
        with("PGSSLMODE", "nonsense", "mysql://db.example/x"),
        Ok(Mode::Prefer)
    );
}

#[test]
fn attack_tls_stripped_a_certificate_that_cannot_be_read_is_named() {
    let folder = std::env::temp_dir().join(format!("vestibule-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let empty = folder.join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let key = folder.join("key.pem");
    std::fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").unwrap();
    let cert = folder.join("cert.pem");
    std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let (empty, key, cert) = (empty.display(), key.display(), cert.display());
    for (uri, named) in [
        (
            "mysql://db/x?ssl_ca=/absent/ca.pem".to_owned(),
            "/absent/ca.pem".to_owned(),
        ),
        (format!("mysql://db/x?ssl_ca={empty}"), empty.to_string()),
        (
            format!("postgresql://db/x?sslmode=verify-full&sslrootcert={empty}"),
            empty.to_string(),
        ),
        (
            format!("postgresql://db/x?sslmode=require&sslcert={cert}&sslkey={key}"),
            key.to_string(),
        ),
    ] {
        let error = read(&uri)
            .unwrap_or_else(|error| panic!("{error}"))
            .check_files();
        let said = error.unwrap_err().to_string();
        assert!(said.contains(&named), "{said}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_remote_server_that_is_not_verified_is_exposed() {
    for (uri, exposed) in [
        ("postgresql://db.example/x", true),
        ("postgresql://10.0.0.7/x?sslmode=require", true),
        ("mysql://db.example/x", true),
        ("mysql://db.example/x?ssl_mode=REQUIRED", true),
        ("postgresql://db.example/x?sslmode=verify-full", false),
        ("mysql://db.example/x?ssl_ca=/ca.pem", false),
        ("postgresql://localhost/x", false),
        ("postgresql://127.0.0.2/x", false),
        ("mysql://[::1]/x", false),
        ("postgresql:///x", false),
        ("postgresql://ana@/x?host=/run/postgresql", false),
        ("mysql://db.example/x?unix_socket=/run/mysqld.sock", false),
    ] {
        assert_eq!(
            read(uri).unwrap_or_else(|e| panic!("{e}")).is_exposed(),
            exposed,
            "{uri}"
        );
    }
}
