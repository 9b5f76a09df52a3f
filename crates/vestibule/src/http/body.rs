//! Reading a request body, JSON or form, through one type.
//!
//! The bytes are read before they are parsed: in between, the CSRF check decides whether the client
//! may send them at all.

use std::sync::OnceLock;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::body_flaw::BodyFlaw;
use super::reject::Rejection;
use super::request_info::RequestInfo;
use crate::app::App;
use crate::messages::{Explanation, Message};

/// The UTF-8 byte order mark, which some editors and languages write. A parser may ignore it (RFC
/// 8259, section 8.1), and the reference does.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A request body as received, within the size limit.
#[derive(Debug)]
pub(crate) struct RawBody {
    kind: Kind,
    /// An unsupported content type, cleaned up so that it can be shown.
    named: Option<String>,
    bytes: Bytes,
    /// Whether the body has a content coding, such as compression.
    encoded: bool,
    understood: OnceLock<Result<Fields, BodyFlaw>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    /// Neither a body nor a content type: equivalent to an empty form.
    Nothing,
    Other,
}

/// The members of a parsed body.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    /// The further values of repeated form fields, with their names.
    repeated: Vec<(String, String)>,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// Absent, null, or only white space.
    Empty,
    /// Text.
    Text(&'a str),
    /// Something that is not text.
    WrongType,
}

impl RawBody {
    /// Parses the body once and returns its fields.
    ///
    /// # Errors
    /// 415 for an unsupported content type or content coding. 400 for a JSON body that is not
    /// exactly one object without repeated members, and for a form that is not UTF-8.
    pub(crate) fn fields(&self) -> Result<&Fields, Rejection> {
        self.understood
            .get_or_init(|| self.understand())
            .as_ref()
            .map_err(|flaw| self.refuse(flaw))
    }

    fn refuse(&self, flaw: &BodyFlaw) -> Rejection {
        let unsupported = Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Message::UnsupportedMediaType,
        );
        match flaw {
            BodyFlaw::Unsupported => {
                unsupported.explained(Explanation::content_type(self.named.as_deref()))
            }
            BodyFlaw::Encoded => unsupported
                .header(
                    header::ACCEPT_ENCODING,
                    http::HeaderValue::from_static("identity"),
                )
                .explained(Explanation::body(flaw)),
            _ => malformed(flaw),
        }
    }

    fn understand(&self) -> Result<Fields, BodyFlaw> {
        match self.kind {
            _ if self.bytes.is_empty() => Ok(Fields::default()),
            // A coded body is never decompressed: a small body could expand to a large one.
            Kind::Json | Kind::Form if self.encoded => Err(BodyFlaw::Encoded),
            Kind::Json => {
                let text = self
                    .bytes
                    .strip_prefix(BYTE_ORDER_MARK)
                    .unwrap_or(&self.bytes);
                serde_json::from_slice(text)
                    .map(|object: Object| Fields {
                        members: object.0,
                        repeated: Vec::new(),
                    })
                    .map_err(|error| BodyFlaw::of_json(text, &error))
            }
            Kind::Form => form_fields(&self.bytes).ok_or(BodyFlaw::FormNotUtf8),
            Kind::Nothing | Kind::Other => Err(BodyFlaw::Unsupported),
        }
    }

    /// Whether the content type is JSON.
    #[must_use]
    pub(crate) fn is_json(&self) -> bool {
        self.kind == Kind::Json
    }

    /// A non-empty form field; `None` for a JSON body. Besides the headers, this is where Flask-WTF
    /// looks for its token.
    #[must_use]
    pub(crate) fn form_value(&self, name: &str) -> Option<String> {
        if self.kind != Kind::Form {
            return None;
        }
        match self.fields().ok()?.members.get(name) {
            Some(Value::String(value)) if !value.is_empty() => Some(value.clone()),
            _ => None,
        }
    }

    /// Reads a body, within the size limit.
    ///
    /// # Errors
    /// 413 if the body exceeds the limit, 400 if it is incomplete.
    pub(crate) async fn take_in(
        app: &App,
        info: &RequestInfo,
        headers: &http::HeaderMap,
        body: Body,
    ) -> Result<Self, Response> {
        let kind = kind_of(headers);
        let named = (kind == Kind::Other).then(|| shown_type(headers));
        let encoded = is_encoded(headers);
        let limit = app.settings().http.max_content_length;
        let read = |bytes| Self {
            kind,
            named,
            bytes,
            encoded,
            understood: OnceLock::new(),
        };
        if body.is_end_stream() {
            return Ok(read(Bytes::new()));
        }
        let rejection = match Limited::new(body, limit).collect().await {
            Ok(collected) => return Ok(read(collected.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, Message::BodyTooLarge)
                    .explained(Explanation::content_length(limit))
            }
            Err(_) => malformed(&BodyFlaw::Incomplete),
        };
        Err(app.answer(info, rejection))
    }
}

impl Fields {
    /// Whether the body has a field of this name, whatever its value.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text field; `Empty` if it holds only white space.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Field<'_> {
        match self.members.get(name) {
            None | Some(Value::Null) => Field::Empty,
            Some(Value::String(text)) if text.trim().is_empty() => Field::Empty,
            Some(Value::String(text)) => Field::Text(text),
            Some(_) => Field::WrongType,
        }
    }

    /// A text field including its white space; `Empty` only if it has no characters.
    #[must_use]
    pub(crate) fn exact(&self, name: &str) -> Field<'_> {
        match self.members.get(name) {
            None | Some(Value::Null) => Field::Empty,
            Some(Value::String(text)) if text.is_empty() => Field::Empty,
            Some(Value::String(text)) => Field::Text(text),
            Some(_) => Field::WrongType,
        }
    }

    /// Texts, from a list, a single text or a repeated form field. Empty ones are skipped.
    ///
    /// # Errors
    /// Any other value is not a list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&str>, Message> {
        let values = match self.members.get(name) {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
        };
        let texts = values
            .iter()
            .map(|value| value.as_str().ok_or(Message::ApiError));
        let texts: Result<Vec<&str>, Message> = texts.collect();
        let further = self
            .repeated
            .iter()
            .filter(|(repeated, _)| repeated == name);
        let further = further.map(|(_, text)| text.as_str());
        texts.map(|texts| {
            let all = texts.into_iter().chain(further);
            all.filter(|text| !text.is_empty()).collect()
        })
    }

    /// A one-time code, which clients send as a text or as a number; `None` if it is empty.
    ///
    /// # Errors
    /// Any other value is not a code.
    pub(crate) fn code(&self, name: &str) -> Result<Option<String>, Message> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            // A number has lost its leading zeros.
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(format!("{number:06}"))),
                None => Err(Message::ApiError),
            },
        }
    }

    /// A boolean field in the forms that HTML forms and JSON use; `None` if absent or null.
    ///
    /// # Errors
    /// A list or an object is not a boolean.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Message> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::Number(number)) => Ok(Some(number.as_f64() != Some(0.0))),
            Some(Value::String(text)) => Ok(Some(!matches!(text.as_str(), "" | "false"))),
            Some(Value::Array(_) | Value::Object(_)) => Err(Message::ApiError),
        }
    }
}

fn malformed(flaw: &BodyFlaw) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, Message::MalformedBody)
        .explained(Explanation::body(flaw))
}

/// Whether the body has a content coding other than `identity` (RFC 9110, section 8.4).
fn is_encoded(headers: &http::HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

fn kind_of(headers: &http::HeaderMap) -> Kind {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Kind::Nothing;
    };
    let Ok(value) = value.to_str() else {
        return Kind::Other;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let json_suffix = essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"));
    match essence.as_str() {
        _ if json_suffix => Kind::Json,
        "application/x-www-form-urlencoded" => Kind::Form,
        "" => Kind::Nothing,
        _ => Kind::Other,
    }
}

/// The content type, made safe for a log or a response: printable ASCII, at most 80 characters.
fn shown_type(headers: &http::HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    let shown = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    value
        .unwrap_or_default()
        .iter()
        .copied()
        .filter(shown)
        .take(80)
        .map(char::from)
        .collect()
}

/// The fields of a URL-encoded form, or `None` if it is not UTF-8. If a field is repeated, the first
/// value counts, as in the reference, unless the field is a list ([`Fields::texts`]).
fn form_fields(bytes: &[u8]) -> Option<Fields> {
    // The separators are ASCII, so the whole is UTF-8 exactly when every part is.
    percent_encoding::percent_decode(bytes).decode_utf8().ok()?;
    let mut fields = Fields::default();
    for (name, value) in form_urlencoded::parse(bytes) {
        match fields.members.entry(name.into_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(Value::String(value.into_owned()));
            }
            Entry::Occupied(entry) => {
                let further = (entry.key().clone(), value.into_owned());
                fields.repeated.push(further);
            }
        }
    }
    Some(fields)
}

/// A JSON object without repeated members.
struct Object(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is repeated"));
                    }
                }
                Ok(Object(map))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: Kind, text: &[u8]) -> RawBody {
        RawBody {
            kind,
            named: None,
            bytes: Bytes::copy_from_slice(text),
            encoded: false,
            understood: OnceLock::new(),
        }
    }

    fn json(text: &[u8]) -> Result<Fields, BodyFlaw> {
        body(Kind::Json, text).understand()
    }

    fn form(text: &[u8]) -> RawBody {
        body(Kind::Form, text)
    }

    #[test]
    fn attack_crash_by_odd_input_bodies_other_than_one_json_object_are_refused() {
        let deep = [vec![b'['; 4000], vec![b']'; 4000]].concat();
        let deep_member = [&b"{\"a\":"[..], &deep, b"}"].concat();
        let refused: [&[u8]; 9] = [
            b"[1]",
            b"\"text\"",
            b"null",
            b"{bad",
            br#"{"a":1,"a":2}"#,
            br#"{"a":1} {"b":2}"#,
            br#"{"a":"\ud800"}"#,
            b"{\"a\":\"\xff\"}",
            &deep_member,
        ];
        for body in refused {
            assert!(json(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(json(br#"{"a":[[[1]]]}"#).is_ok());
        assert!(json(b"").is_ok(), "no body is an empty one");
    }

    #[test]
    fn identity_is_the_only_coding_that_is_accepted() {
        for (values, expected) in [
            (&[][..], false),
            (&["identity"], false),
            (&["", "Identity, identity"], false),
            (&["gzip"], true),
            (&["identity, br"], true),
            (&["identity", "x"], true),
        ] {
            let headers = values.iter();
            let headers = headers.map(|value| (header::CONTENT_ENCODING, value.parse().unwrap()));
            assert_eq!(is_encoded(&headers.collect()), expected, "{values:?}");
        }
    }

    #[test]
    fn repeated_form_field_is_a_list_only_where_one_is_expected() {
        let fields = form(b"a=1&b=2&a=&a=3").understand().unwrap();
        assert_eq!(fields.texts("a"), Ok(vec!["1", "3"]));
        assert_eq!(fields.texts("b"), Ok(vec!["2"]));
        assert_eq!(fields.text("a"), Field::Text("1"));
    }

    #[test]
    fn text_empty_and_wrong_type_fields_are_distinguished() {
        let fields = json(br#"{"t":" x ","e":"  ","n":null,"i":1,"l":["x"]}"#).unwrap();
        assert_eq!(fields.text("t"), Field::Text(" x "));
        for name in ["e", "n", "absent"] {
            assert_eq!(fields.text(name), Field::Empty);
        }
        for name in ["i", "l"] {
            assert_eq!(fields.text(name), Field::WrongType);
        }
    }

    #[test]
    fn a_code_that_is_a_number_gets_its_leading_zeros_back() {
        let fields = json(br#"{"t":" 12 3456","n":1234,"o":null,"f":1.5,"m":-1}"#).unwrap();
        assert_eq!(fields.code("t"), Ok(Some(" 12 3456".to_owned())));
        assert_eq!(fields.code("n"), Ok(Some("001234".to_owned())));
        assert_eq!(fields.code("o"), Ok(None));
        for name in ["f", "m"] {
            assert_eq!(fields.code(name), Err(Message::ApiError), "{name}");
        }
    }

    #[test]
    fn flags_are_read_from_every_supported_form() {
        let fields =
            json(br#"{"y":true,"n":false,"s":"false","e":"","on":"on","z":0,"null":null,"o":{}}"#)
                .unwrap();
        for (name, expected) in [
            ("y", Ok(Some(true))),
            ("n", Ok(Some(false))),
            ("s", Ok(Some(false))),
            ("e", Ok(Some(false))),
            ("on", Ok(Some(true))),
            ("z", Ok(Some(false))),
            ("null", Ok(None)),
            ("absent", Ok(None)),
            ("o", Err(Message::ApiError)),
        ] {
            assert_eq!(fields.flag(name), expected, "{name}");
        }
    }

    #[test]
    fn forms_use_the_first_of_repeated_fields_and_must_be_utf_8() {
        let body = form(b"email=a%40b.example&email=second&csrf_token=t");
        assert_eq!(
            body.fields().unwrap().text("email"),
            Field::Text("a@b.example")
        );
        assert_eq!(body.form_value("csrf_token").as_deref(), Some("t"));
        assert!(form(b"email=%ff").fields().is_err());
    }

    #[test]
    fn content_types_are_classified() {
        for (value, kind) in [
            ("application/json", Kind::Json),
            ("Application/JSON; charset=utf-8", Kind::Json),
            ("application/problem+json", Kind::Json),
            ("application/x-www-form-urlencoded", Kind::Form),
            ("text/plain", Kind::Other),
            ("application/jsonx", Kind::Other),
        ] {
            let headers = std::iter::once((header::CONTENT_TYPE, value.parse().unwrap())).collect();
            assert_eq!(kind_of(&headers), kind, "{value}");
        }
    }
}
