//! Builds JSON Schemas, in the dialect of OpenAPI 3.1.

use serde_json::{Map, Value, json};

/// Builds a schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema(Map<String, Value>);

impl Schema {
    fn of(kind: &str) -> Self {
        Self::default().with("type", kind)
    }

    /// A string.
    pub(crate) fn text() -> Self {
        Self::of("string")
    }

    /// A boolean.
    pub(crate) fn flag() -> Self {
        Self::of("boolean")
    }

    /// An integer.
    pub(crate) fn whole() -> Self {
        Self::of("integer")
    }

    /// A list of such values.
    pub(crate) fn list(items: Self) -> Self {
        Self::of("array").with("items", items.into_value())
    }

    /// An object without members. Later versions may add members, which a client must ignore.
    pub(crate) fn object() -> Self {
        Self::of("object")
    }

    /// Allows any other members, for data that we do not define.
    pub(crate) fn open(self) -> Self {
        self.with("additionalProperties", true)
    }

    /// This value only.
    pub(crate) fn only(value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::default().with("const", value.clone()).example(value)
    }

    /// One of these strings.
    pub(crate) fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        Self::text().with("enum", words)
    }

    /// A reference to a schema among the components.
    pub(crate) fn shared(name: &str) -> Self {
        Self::default().with("$ref", format!("#/components/schemas/{name}"))
    }

    /// Adds a keyword.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// Sets the description.
    pub(crate) fn about(self, text: impl Into<String>) -> Self {
        self.with("description", text.into())
    }

    /// Sets an example. The example of an object is made from those of its members.
    pub(crate) fn example(self, value: impl Into<Value>) -> Self {
        self.with("examples", vec![value.into()])
    }

    /// Adds a required member.
    pub(crate) fn must(mut self, name: &str, schema: Self) -> Self {
        if let Value::Array(names) = self.0.entry("required").or_insert_with(|| json!([])) {
            names.push(name.into());
        }
        self.may(name, schema)
    }

    /// Adds an optional member.
    pub(crate) fn may(mut self, name: &str, schema: Self) -> Self {
        if let Value::Object(members) = self.0.entry("properties").or_insert_with(|| json!({})) {
            members.insert(name.to_owned(), schema.into_value());
        }
        self
    }

    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// An example of a schema: its own, or one made from the examples of its members. `None` if a
/// required member has none.
pub(super) fn example_of(schema: &Value) -> Option<Value> {
    if let Some(own) = schema.pointer("/examples/0") {
        return Some(own.clone());
    }
    if schema["type"] == "array" {
        return Some(json!([example_of(&schema["items"])?]));
    }
    if schema["type"] != "object" {
        return None;
    }
    let required = schema["required"].as_array();
    let mut example = Map::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let always = required.is_some_and(|names| names.iter().any(|other| other == name));
        match example_of(member) {
            Some(value) => {
                example.insert(name.clone(), value);
            }
            None if always => return None,
            None => {}
        }
    }
    Some(Value::Object(example))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_make_up_the_example_of_an_object() {
        let schema = Schema::object()
            .must("name", Schema::text().example("Ana"))
            .must("roles", Schema::list(Schema::text().example("editor")))
            .may("silent", Schema::flag());
        let example = json!({"name": "Ana", "roles": ["editor"]});
        assert_eq!(example_of(&schema.clone().into_value()), Some(example));
        let schema = schema.must("age", Schema::whole());
        assert_eq!(example_of(&schema.into_value()), None);
    }
}
