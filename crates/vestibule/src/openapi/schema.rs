//! What a value may be: JSON Schema, as OpenAPI 3.1 has it.

use serde_json::{Map, Value, json};

/// A schema being written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema(Map<String, Value>);

impl Schema {
    fn of(kind: &str) -> Self {
        Self::default().with("type", kind)
    }

    /// A text.
    pub(crate) fn text() -> Self {
        Self::of("string")
    }

    /// Yes or no.
    pub(crate) fn flag() -> Self {
        Self::of("boolean")
    }

    /// A whole number.
    pub(crate) fn whole() -> Self {
        Self::of("integer")
    }

    /// A list of such values.
    pub(crate) fn list(items: Self) -> Self {
        Self::of("array").with("items", items.into_value())
    }

    /// An object without members yet. Those that nobody names here may come later: a client
    /// passes them over.
    pub(crate) fn object() -> Self {
        Self::of("object")
    }

    /// With members that are not ours to name.
    pub(crate) fn open(self) -> Self {
        self.with("additionalProperties", true)
    }

    /// This one value.
    pub(crate) fn only(value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::default().with("const", value.clone()).example(value)
    }

    /// One of these words.
    pub(crate) fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        Self::text().with("enum", words)
    }

    /// A schema that stands among the components.
    pub(crate) fn shared(name: &str) -> Self {
        Self::default().with("$ref", format!("#/components/schemas/{name}"))
    }

    /// Adds a keyword.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// Says what it means.
    pub(crate) fn about(self, text: impl Into<String>) -> Self {
        self.with("description", text.into())
    }

    /// Gives an example. Those of members make up the example of an object.
    pub(crate) fn example(self, value: impl Into<Value>) -> Self {
        self.with("examples", vec![value.into()])
    }

    /// Adds a member that is always there.
    pub(crate) fn must(mut self, name: &str, schema: Self) -> Self {
        if let Value::Array(names) = self.0.entry("required").or_insert_with(|| json!([])) {
            names.push(name.into());
        }
        self.may(name, schema)
    }

    /// Adds a member that can be there.
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

/// An example of a schema: its own, or that of its members, where they have one. None when a
/// member that is always there has none.
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
