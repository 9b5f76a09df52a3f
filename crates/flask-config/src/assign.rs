//! Statements that set something: assignments to names and to `app.config`, calls of its methods.

use crate::assignment::{Assignment, Scope};
use crate::evaluate::bounded;
use crate::expression::{Expression, Item, Shape, Step};
use crate::reader::Reader;
use crate::value::Value;

/// Attributes of a Flask application that are settings.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("secret_key", "SECRET_KEY"),
    ("permanent_session_lifetime", "PERMANENT_SESSION_LIFETIME"),
    ("debug", "DEBUG"),
    ("testing", "TESTING"),
];

fn is_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

impl Reader<'_> {
    /// Whether a name that is assigned in the module or a class is a setting, or looks like one.
    fn is_setting(&self, name: &str) -> bool {
        is_upper(name) && (name.starts_with("SECURITY_") || (self.is_setting)(name))
    }

    /// `target = value`, or several targets with one value.
    pub(crate) fn assign(&mut self, targets: &[Expression], value: &Expression) {
        /// The number of targets that get a copy of the value.
        const MANY: usize = 8;
        let Some((last, others)) = targets.split_last() else {
            return;
        };
        let known = if self.is_config(value) {
            Value::Path("app.config".to_owned())
        } else {
            self.names.value(value)
        };
        for (at, target) in others.iter().enumerate() {
            let known = if at < MANY {
                self.names.copy(&known)
            } else {
                Value::unknown("is assigned to too many names at once")
            };
            self.set(target, known, value);
        }
        self.set(last, known, value);
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
                    let value = value.unwrap_or_else(|| {
                        Value::unknown(
                            "is unpacked from a value that is not a list of the same length",
                        )
                    });
                    match &target.value.shape {
                        // Nested targets are not supported.
                        Shape::Items(_) => {}
                        _ => self.set(&target.value, value, at),
                    }
                }
            }
            Shape::Steps(first, steps) => match steps.as_slice() {
                [owner @ .., Step::Index(name)] if self.is_config_of(first, owner) => {
                    match self.names.value(name) {
                        Value::Str(name) => self.found(name, value, Scope::AppConfig, at),
                        _ => self.unread(target, "sets a setting whose name is unknown"),
                    }
                }
                [Step::Attribute(attribute)] if is_app(first) => {
                    let known = ATTRIBUTES.iter().find(|(name, _)| name == attribute);
                    if let Some((_, name)) = known {
                        self.found((*name).to_owned(), value, Scope::AppConfig, at);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn set_name(&mut self, name: &str, value: Value, at: &Expression) {
        if self.is_setting(name) && !self.is_local() {
            let scope = self.class().map_or(Scope::Module, Scope::Class);
            let copy = self.names.copy(&value);
            self.found(name.to_owned(), copy, scope, at);
        }
        let value = match self.condition() {
            Some(condition) => Value::unknown(format!("depends on {condition}")),
            None => value,
        };
        self.names.set(name, value);
    }

    /// `target += value` and the other augmented assignments.
    pub(crate) fn change(&mut self, target: &Expression, op: &str, value: &Expression) {
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
                    Value::unknown("is changed in place")
                }
                _ => self.names.value(target),
            },
            _ => self.names.value(target),
        };
        let more = self.names.value(value);
        self.set(target, before.combine(op, more), value);
    }

    /// A statement that is one expression. Only a call can set something.
    pub(crate) fn called(&mut self, statement: &Expression) {
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
                if let Value::Str(name) = self.names.value(name) {
                    let value = Value::unknown("is changed by a method call");
                    self.found(name, value, Scope::AppConfig, statement);
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
                    && let Value::Str(name) = self.names.value(&name.value)
                    && !self.is_found(&name)
                {
                    let known = self.names.value(&value.value);
                    self.found(name, known, Scope::AppConfig, &value.value);
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
                        "reads settings from an object that is not in this file: convert its file, too",
                    ),
                }
            }
            "from_pyfile" | "from_envvar" | "from_json" | "from_file" | "from_prefixed_env" => {
                self.unread(
                    statement,
                    &format!("reads settings from another source ({method}): convert it, too"),
                );
            }
            _ => {}
        }
    }

    /// The class of this file that `from_object` gets: the class, an instance, or its name.
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
                Value::Str(path) => path
                    .rsplit('.')
                    .next()
                    .and_then(|name| self.class_named(name)),
                _ => None,
            },
        }
    }

    /// The arguments of `update` and `from_mapping`.
    fn update(&mut self, arguments: &[Item]) {
        for argument in arguments {
            match (&argument.name, &argument.value.shape) {
                (Some(name), _) => {
                    let value = self.names.value(&argument.value);
                    self.found(name.clone(), value, Scope::AppConfig, &argument.value);
                }
                (None, Shape::Dict(members)) => {
                    for (key, value) in members {
                        let known = self.names.value(value);
                        match key.as_ref().map(|key| self.names.value(key)) {
                            Some(Value::Str(name)) => {
                                self.found(name, known, Scope::AppConfig, value);
                            }
                            Some(_) => self.unread(value, "sets a setting whose name is unknown"),
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

    /// The members of a dict that is not a literal.
    fn take_over(&mut self, value: Value, at: &Expression) {
        let Value::Dict(members) = value else {
            self.unread(at, "sets settings that are not listed here");
            return;
        };
        for (name, value) in members {
            if let Value::Str(name) = name {
                self.found(name, value, Scope::AppConfig, at);
            }
        }
    }

    /// Flask-CORS accepts its settings as arguments.
    fn cors(&mut self, arguments: &[Item]) {
        for argument in arguments {
            if let Some(name) = &argument.name {
                let value = self.names.value(&argument.value);
                let name = format!("CORS_{}", name.to_ascii_uppercase());
                self.found(name, value, Scope::AppConfig, &argument.value);
            }
        }
    }

    fn found(&mut self, name: String, value: Value, scope: Scope, at: &Expression) {
        // Flask ignores names that are not upper case.
        if !is_upper(&name) || name.len() > 100 {
            return;
        }
        let scope = match (scope, self.class()) {
            (Scope::AppConfig, Some(class)) => Scope::Class(class),
            (scope, _) => scope,
        };
        let condition = self.condition();
        self.contents.add(Assignment {
            condition,
            ..Assignment::new(name, bounded(value), scope, at)
        });
    }

    fn is_found(&self, name: &str) -> bool {
        self.contents.names.contains(name)
    }

    fn unread(&mut self, at: &Expression, what: &str) {
        self.contents.unread.push((at.line, what.to_owned()));
    }

    /// Whether an expression is the configuration: `app.config`, or another name for it.
    fn is_config(&self, expression: &Expression) -> bool {
        match &expression.shape {
            Shape::Steps(first, steps) => self.is_config_of(first, steps),
            _ => self.is_config_of(expression, &[]),
        }
    }

    fn is_config_of(&self, first: &Expression, steps: &[Step]) -> bool {
        match (steps.last(), &first.shape) {
            (Some(Step::Attribute(name)), _) => name == "config",
            (None, Shape::Name(name)) if name == "config" => true,
            (None, Shape::Name(name)) => self.names.is_config(name),
            _ => false,
        }
    }
}

fn is_app(expression: &Expression) -> bool {
    matches!(&expression.shape, Shape::Name(name) if ["app", "application"].contains(&name.as_str()))
}
