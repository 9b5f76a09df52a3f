//! Checks every answer that a test receives against the OpenAPI document of the application under
//! test, so that every status, header, member and code that the tests provoke is documented.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};
use vestibule::Vestibule;

use super::TestApp;

pub(crate) struct Described(Value);

impl TestApp {
    /// The OpenAPI document of this application.
    pub(crate) fn document(&self) -> &Value {
        &self.described.0
    }
}

impl Described {
    pub(crate) fn of(vestibule: &Vestibule) -> Self {
        Self(serde_json::from_str(&vestibule.openapi()).unwrap())
    }

    /// Fails unless the document describes this answer. An operation that it does not describe must
    /// be refused with a client error. A 500 is never described, so it is not checked.
    #[track_caller]
    pub(crate) fn check(
        &self,
        method: &Method,
        path: &str,
        status: StatusCode,
        headers: &HeaderMap,
        text: &str,
    ) {
        let method = match *method {
            Method::HEAD => "get".to_owned(),
            _ => method.as_str().to_ascii_lowercase(),
        };
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        if method == "options" || status == StatusCode::INTERNAL_SERVER_ERROR {
            return;
        }
        let place = format!("{method} {path} {status}");
        let Some(operation) = self.operation(&method, path) else {
            assert!(
                [400, 403, 404, 405, 431].contains(&status.as_u16()),
                "{place} is not described: {text}"
            );
            return;
        };
        let response = &operation["responses"][status.as_u16().to_string()];
        assert!(!response.is_null(), "{place} is not described: {text}");
        let response = self.follow(response);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let always = self.follow(header)["required"] == true;
            assert!(
                !always || headers.contains_key(name),
                "{place} has no {name}"
            );
        }
        let json = &response["content"]["application/json"]["schema"];
        if !text.is_empty() && !json.is_null() {
            let body = serde_json::from_str(text).unwrap_or_else(|_| panic!("{place}: {text}"));
            if let Err(why) = self.holds(json, &body) {
                panic!("{place} is not as described: {why}\n{text}");
            }
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let document = &self.0;
        let (_, item) = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, item)| {
                let server = item.get("servers").unwrap_or(&document["servers"]);
                let base = server[0]["url"].as_str().unwrap();
                let base = base.split_once("://").map_or(base, |(_, rest)| {
                    rest.find('/').map_or("", |at| &rest[at..])
                });
                let path = path.strip_prefix(base.trim_end_matches('/'));
                path.is_some_and(|path| fits(name, path))
            })?;
        item.get(method)
    }

    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(path) => self.0.pointer(&path[1..]).unwrap(),
            None => value,
        }
    }

    /// Checks a value against the subset of JSON Schema that the document uses for answers.
    fn holds(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.follow(schema);
        if let Some(types) = schema["type"].as_array() {
            let fits = types.iter().any(|name| match name.as_str() {
                Some("null") => value.is_null(),
                Some("string") => value.is_string(),
                Some("boolean") => value.is_boolean(),
                Some("integer") => value.is_i64(),
                _ => false,
            });
            return fits
                .then_some(())
                .ok_or_else(|| format!("{value} is none of {types:?}"));
        }
        let of_type = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some(other) => return Err(format!("the type {other} is not known here")),
            None => true,
        };
        if !of_type {
            return Err(format!("{value} is no {}", schema["type"]));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            return Err(format!("{value} is not {}", schema["const"]));
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{value} is none of {words:?}"));
        }
        if let Value::Array(items) = value {
            let least = schema["minItems"].as_u64().unwrap_or(0);
            if u64::try_from(items.len()).unwrap() < least {
                return Err(format!("{value} has fewer than {least} items"));
            }
            items
                .iter()
                .try_for_each(|item| self.holds(&schema["items"], item))?;
        }
        match value {
            Value::Object(members) => self.members_hold(schema, members),
            _ => Ok(()),
        }
    }

    fn members_hold(&self, schema: &Value, members: &Map<String, Value>) -> Result<(), String> {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, value) in members {
            let schema = match schema["properties"].get(name) {
                Some(schema) => schema,
                None => match &schema["additionalProperties"] {
                    Value::Null => return Err(format!("the member {name:?} is not described")),
                    other => other,
                },
            };
            if schema.is_object() {
                self.holds(schema, value)?;
            }
        }
        Ok(())
    }
}

/// Whether a path template matches a path. The document lists paths without parameters first.
fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(name, part)| name == part || name.starts_with('{'))
}
