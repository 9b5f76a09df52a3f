//! The CBOR reader.

use vestibule_formats::webauthn::cbor::{CborError, Form, Value, parse};

#[test]
fn items_are_read() {
    let integer = |number| Ok(Value::Integer(number));
    for (bytes, value) in [
        (&[0x17][..], integer(23)),
        (&[0x18, 24], integer(24)),
        (
            &[0x1b, 255, 255, 255, 255, 255, 255, 255, 255],
            integer(u64::MAX.into()),
        ),
        (&[0x20], integer(-1)),
        (
            &[0x3b, 255, 255, 255, 255, 255, 255, 255, 255],
            integer(-1 - i128::from(u64::MAX)),
        ),
        (&[0x42, 1, 2], Ok(Value::Bytes(&[1, 2]))),
        (&[0x61, b'a'], Ok(Value::Text("a"))),
        (&[0xf4], Ok(Value::Bool(false))),
        (&[0xf5], Ok(Value::Bool(true))),
        (&[0xf6], Ok(Value::Null)),
        (&[0xf9, 0, 0], Ok(Value::Float)),
        (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], Ok(Value::Float)),
        (
            &[0x82, 1, 0x80],
            Ok(Value::Array(vec![
                Value::Integer(1),
                Value::Array(Vec::new()),
            ])),
        ),
        (
            &[0xa1, 1, 2],
            Ok(Value::Map(vec![(Value::Integer(1), Value::Integer(2))])),
        ),
    ] {
        assert!(parse(bytes, Form::Shortest) == value, "{bytes:?}");
    }
}

#[test]
fn attack_webauthn_ambiguous_or_hostile_cbor_is_refused() {
    let many = [&[0x98, 65][..], &[0; 65]].concat();
    for (bytes, error) in [
        (&[][..], CborError::Truncated),
        (&[0x18], CborError::Truncated),
        (&[0x42, 1], CborError::Truncated),
        (
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            CborError::Truncated,
        ),
        (&[0xa1, 1], CborError::Truncated),
        (&[0, 0], CborError::Trailing),
        (&[0x18, 23], CborError::NotShortest),
        (&[0x19, 0, 255], CborError::NotShortest),
        (&[0x58, 1, 1], CborError::NotShortest),
        (&[0x5f, 0x41, 1, 0xff], CborError::Unsupported),
        (&[0x9f, 0xff], CborError::Unsupported),
        (&[0xbf, 0xff], CborError::Unsupported),
        (&[0x1c], CborError::Unsupported),
        (&[0xc0, 0], CborError::Unsupported),
        (&[0xf7], CborError::Unsupported),
        (&[0xf8, 32], CborError::Unsupported),
        (&[0xff], CborError::Unsupported),
        (&[0x61, 0xff], CborError::Utf8),
        (&[0x81, 0x81, 0x81, 0x81, 0x80], CborError::Depth),
        (&many, CborError::Entries),
        (
            &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
            CborError::Entries,
        ),
        (
            &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255],
            CborError::Entries,
        ),
        (&[0xa1, 0xf5, 1], CborError::Key),
        (&[0xa1, 0x41, 1, 1], CborError::Key),
        (&[0xa2, 1, 1, 1, 2], CborError::DuplicateKey),
        (
            &[0xa2, 0x61, b'a', 1, 0x61, b'a', 2],
            CborError::DuplicateKey,
        ),
    ] {
        assert_eq!(parse(bytes, Form::Shortest).err(), Some(error), "{bytes:?}");
    }
    assert!(parse(&[0x18, 23], Form::Any).is_ok());
    assert_eq!(
        parse(&[0xa2, 1, 1, 0x18, 1, 2], Form::Any).err(),
        Some(CborError::DuplicateKey)
    );
}
