//! Statements that set something: names, members of `app.config`, calls of its methods.

use super::expression::{Expression, Item, Shape, Step};
use super::found::{Found, Way};
use super::reader::Reader;
use super::value::Value;
use vestibule::program::keys;

/// Attributes of a Flask application that stand for settings.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("secret_key", "SECRET_KEY"),
    ("permanent_session_lifetime", "PERMANENT_SESSION_LIFETIME"),
    ("debug", "DEBUG"),
    ("testing", "TESTING"),
];

/// Whether a plain name is one of a setting, or has to be meant as one.
pub(super) fn is_setting(name: &str) -> bool {
    let provider = ["_CLIENT_ID", "_CLIENT_SECRET"]
        .iter()
        .any(|end| name.len() > end.len() && name.ends_with(end));
    is_upper(name) && (name.starts_with("SECURITY_") || provider || keys::find(name).is_some())
}

fn is_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

impl Reader {
    /// `target = value`, or several targets with one value.
    pub(super) fn assign(&mut self, targets: &[Expression], value: &Expression) {
        /// More names for one value than anybody writes, each of which would copy it.
        const MANY: usize = 8;
        let known = if self.is_config(value) {
            Value::Path("app.config".to_owned())
        } else {
            self.names.value(value)
        };
        for (at, target) in targets.iter().enumerate() {
            let known = if at < MANY {
                known.clone()
            } else {
                Value::unknown("is one of too many names")
            };
            self.set(target, known, value);
        }
    }

    fn set(&mut self, target: &Expression, value: Value, at: &Expression) {
        match &target.shape {
            Shape::Name(name) => self.set_name(name, value, at),
            Shape::Items(targets) => {
                let mut values = match value {
                    Value::List(values) if values.len() == targets.len() => values.into_iter(),
                    _ => Vec::new().into_iter(),
                };
                for target in targets {
                    let value = values.next();
                    let value = value.unwrap_or_else(|| Value::unknown("is one of several values"));
                    match &target.value.shape {
                        // One level is all that anybody writes.
                        Shape::Items(_) => {}
                        _ => self.set(&target.value, value, at),
                    }
                }
            }
            Shape::Steps(first, steps) => match steps.as_slice() {
                [owner @ .., Step::Index(name)] if self.is_config_of(first, owner) => {
                    match self.names.value(name) {
                        Value::Text(name) => self.found(name, value, Way::Config, at),
                        _ => self.unread(target, "sets a setting whose name is not known"),
                    }
                }
                [Step::Attribute(attribute)] if is_app(first) => {
                    let known = ATTRIBUTES.iter().find(|(name, _)| name == attribute);
                    if let Some((_, name)) = known {
                        self.found((*name).to_owned(), value, Way::Config, at);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn set_name(&mut self, name: &str, value: Value, at: &Expression) {
        if is_setting(name) && !self.is_local() {
            let way = self.class().map_or(Way::Plain, Way::Class);
            self.found(name.to_owned(), value.clone(), way, at);
        }
        let value = match self.condition() {
            Some(condition) => Value::unknown(format!("depends on {condition}")),
            None => value,
        };
        self.names.set(name, value);
    }

    /// `target += value` and its like.
    pub(super) fn change(&mut self, target: &Expression, op: &str, value: &Expression) {
        if op == "|" && self.is_config(target) {
            return self.update(&[Item {
                name: None,
                spread: false,
                value: value.clone(),
            }]);
        }
        let before = match &target.shape {
            Shape::Steps(first, steps) => match steps.as_slice() {
                [owner @ .., Step::Index(_)] if self.is_config_of(first, owner) => {
                    Value::unknown("is changed step by step")
                }
                _ => self.names.value(target),
            },
            _ => self.names.value(target),
        };
        let more = self.names.value(value);
        self.set(target, before.combine(op, more), value);
    }

    /// A statement that is one expression: a call, if it is anything.
    pub(super) fn called(&mut self, statement: &Expression) {
        let Shape::Steps(first, steps) = &statement.shape else {
            return;
        };
        match steps.as_slice() {
            [owner @ .., Step::Attribute(method), Step::Call(arguments)]
                if self.is_config_of(first, owner) =>
            {
                self.config_method(statement, method, arguments);
            }
            [
                owner @ ..,
                Step::Index(name),
                Step::Attribute(_),
                Step::Call(_),
            ] if self.is_config_of(first, owner) => {
                if let Value::Text(name) = self.names.value(name) {
                    let value = Value::unknown("is changed by a call");
                    self.found(name, value, Way::Config, statement);
                }
            }
            [.., Step::Attribute(name), Step::Call(arguments)] if name == "CORS" => {
                self.cors(arguments);
            }
            [Step::Call(arguments)] if matches!(&first.shape, Shape::Name(name) if name == "CORS") =>
            {
                self.cors(arguments);
            }
            _ => {}
        }
    }

    fn config_method(&mut self, statement: &Expression, method: &str, arguments: &[Item]) {
        match method {
            "update" | "from_mapping" => self.update(arguments),
            "setdefault" => {
                if let [name, value] = arguments
                    && let Value::Text(name) = self.names.value(&name.value)
                    && !self.is_found(&name)
                {
                    let known = self.names.value(&value.value);
                    self.found(name, known, Way::Config, &value.value);
                }
            }
            "from_object" => {
                let class = arguments
                    .first()
                    .and_then(|one| self.class_meant(&one.value));
                match class {
                    Some(class) => self.contents.chosen.push(class),
                    None => self.unread(
                        statement,
                        "takes settings from an object elsewhere: import its file, too",
                    ),
                }
            }
            "from_pyfile" | "from_envvar" | "from_json" | "from_file" | "from_prefixed_env" => {
                self.unread(
                    statement,
                    &format!("takes settings from elsewhere ({method}): import them, too"),
                );
            }
            _ => {}
        }
    }

    /// The class of this file that `from_object` is given: itself, one of it, or its name.
    fn class_meant(&mut self, argument: &Expression) -> Option<usize> {
        match &argument.shape {
            Shape::Name(name) => self.class_named(name),
            Shape::Steps(first, steps) if matches!(steps.as_slice(), [Step::Call(_)]) => {
                match &first.shape {
                    Shape::Name(name) => self.class_named(name),
                    _ => None,
                }
            }
            _ => match self.names.value(argument) {
                Value::Text(path) => path
                    .rsplit('.')
                    .next()
                    .and_then(|name| self.class_named(name)),
                _ => None,
            },
        }
    }

    /// What `update` is given, each with its own place in the file.
    fn update(&mut self, arguments: &[Item]) {
        for argument in arguments {
            match (&argument.name, &argument.value.shape) {
                (Some(name), _) => {
                    let value = self.names.value(&argument.value);
                    self.found(name.clone(), value, Way::Config, &argument.value);
                }
                (None, Shape::Table(members)) => {
                    for (key, value) in members {
                        let known = self.names.value(value);
                        match key.as_ref().map(|key| self.names.value(key)) {
                            Some(Value::Text(name)) => self.found(name, known, Way::Config, value),
                            Some(_) => self.unread(value, "sets a setting whose name is not known"),
                            None => self.take_over(known, value),
                        }
                    }
                }
                (None, _) => {
                    let value = self.names.value(&argument.value);
                    self.take_over(value, &argument.value);
                }
            }
        }
    }

    /// Members of a dict that was put together elsewhere.
    fn take_over(&mut self, value: Value, at: &Expression) {
        let Value::Table(members) = value else {
            self.unread(at, "gives settings that are not written out here");
            return;
        };
        for (name, value) in members {
            if let Value::Text(name) = name {
                self.found(name, value, Way::Config, at);
            }
        }
    }

    /// Flask-CORS takes its settings as arguments, too.
    fn cors(&mut self, arguments: &[Item]) {
        for argument in arguments {
            if let Some(name) = &argument.name {
                let value = self.names.value(&argument.value);
                let name = format!("CORS_{}", name.to_ascii_uppercase());
                self.found(name, value, Way::Config, &argument.value);
            }
        }
    }

    fn found(&mut self, name: String, value: Value, way: Way, at: &Expression) {
        // Flask itself only takes names in capital letters.
        if !is_upper(&name) || name.len() > 100 {
            return;
        }
        let way = match (way, self.class()) {
            (Way::Config, Some(class)) => Way::Class(class),
            (way, _) => way,
        };
        let condition = self.condition();
        self.contents.add(Found {
            condition,
            ..Found::new(name, value, way, at)
        });
    }

    fn is_found(&self, name: &str) -> bool {
        self.contents.names.contains(name)
    }

    fn unread(&mut self, at: &Expression, what: &str) {
        self.contents.unread.push((at.line, what.to_owned()));
    }

    /// Whether an expression is the configuration: `app.config`, or a name for it.
    fn is_config(&mut self, expression: &Expression) -> bool {
        match &expression.shape {
            Shape::Steps(first, steps) => self.is_config_of(first, steps),
            _ => self.is_config_of(expression, &[]),
        }
    }

    fn is_config_of(&mut self, first: &Expression, steps: &[Step]) -> bool {
        match (steps.last(), &first.shape) {
            (Some(Step::Attribute(name)), _) => name == "config",
            (None, Shape::Name(name)) if name == "config" => true,
            (None, Shape::Name(name)) => {
                matches!(self.names.get(name), Some(Value::Path(path)) if path.ends_with(".config"))
            }
            _ => false,
        }
    }
}

fn is_app(expression: &Expression) -> bool {
    matches!(&expression.shape, Shape::Name(name) if ["app", "application"].contains(&name.as_str()))
}
