//! A value of the document together with its path, and typed access that adds
//! a fault where the type is another.

use serde_json::{Map, Value};

use super::Faults;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            path: String::new(),
            value,
        }
    }

    pub(super) fn mapping(&self, faults: &mut Faults) -> Option<Mapping<'a>> {
        let Some(fields) = self.value.as_object() else {
            self.mismatch("a mapping", faults);
            return None;
        };
        Some(Mapping {
            path: self.path.clone(),
            fields,
        })
    }

    pub(super) fn items(&self, faults: &mut Faults) -> Option<Vec<Node<'a>>> {
        let Some(items) = self.value.as_array() else {
            self.mismatch("a list", faults);
            return None;
        };
        let item = |(index, value)| Node {
            path: format!("{}[{index}]", self.path),
            value,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        if self.value.as_str().is_none() {
            self.mismatch("text", faults);
        }
        self.value.as_str()
    }

    pub(super) fn boolean(&self, faults: &mut Faults) -> Option<bool> {
        if self.value.as_bool().is_none() {
            self.mismatch("true or false", faults);
        }
        self.value.as_bool()
    }

    fn mismatch(&self, expected: &str, faults: &mut Faults) {
        let found = describe(self.value);
        faults.add(&self.path, format!("expected {expected}, found {found}"));
    }
}

/// A mapping and where it stands.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Mapping<'a> {
    /// The field; `None` if it is absent or null, which YAML writes as nothing.
    pub(super) fn field(&self, name: &str) -> Option<Node<'a>> {
        let value = self.fields.get(name).filter(|value| !value.is_null())?;
        Some(Node {
            path: self.path_of(name),
            value,
        })
    }

    /// The field, or a fault.
    pub(super) fn required(&self, name: &str, faults: &mut Faults) -> Option<Node<'a>> {
        let field = self.field(name);
        if field.is_none() {
            faults.add(self.path_of(name), "is missing");
        }
        field
    }

    /// Adds a fault for each field that is not one of `known`.
    pub(super) fn refuse_unknown(&self, known: &[&str], faults: &mut Faults) {
        for name in self.fields.keys() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                faults.add(
                    self.path_of(name),
                    format!("unknown field; known are {known}"),
                );
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.path)
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {value} (text needs quotes)"),
        Value::String(value) => format!("{value:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
