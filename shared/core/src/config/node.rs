//! A value of the document together with its path. Typed access adds a fault if
//! the value has another type. Pure.

use serde_json::{Map, Value};

use super::fault::Findings;

/// A value and its path.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) path: String,
    value: &'a Value,
    /// Whether it uses the field names of MetalLB's legacy ConfigMap.
    pub(super) legacy: bool,
}

/// Pairs of a legacy field name and its current name.
pub(super) type LegacyNames = [(&'static str, &'static str)];

impl<'a> Node<'a> {
    /// A value at `path`, which is empty for a whole document.
    pub(super) fn root(path: impl Into<String>, value: &'a Value) -> Self {
        Self {
            path: path.into(),
            value,
            legacy: false,
        }
    }

    /// The same value with legacy field names, also in everything below it.
    pub(super) fn legacy(self) -> Self {
        Self {
            legacy: true,
            ..self
        }
    }

    pub(super) fn mapping(&self, found: &mut Findings) -> Option<Mapping<'a>> {
        let Some(fields) = self.value.as_object() else {
            self.type_fault("a mapping", found);
            return None;
        };
        Some(Mapping {
            path: self.path.clone(),
            fields,
            legacy: self.legacy,
            legacy_names: None,
        })
    }

    pub(super) fn items(&self, found: &mut Findings) -> Option<Vec<Node<'a>>> {
        let Some(items) = self.value.as_array() else {
            self.type_fault("a list", found);
            return None;
        };
        let item = |(index, value)| Node {
            path: format!("{}[{index}]", self.path),
            value,
            legacy: self.legacy,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn text(&self, found: &mut Findings) -> Option<&'a str> {
        if self.value.as_str().is_none() {
            self.text_fault(found);
        }
        self.value.as_str()
    }

    pub(super) fn boolean(&self, found: &mut Findings) -> Option<bool> {
        if self.value.as_bool().is_none() {
            self.type_fault("true or false", found);
        }
        self.value.as_bool()
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(&self, least: i64, most: i64, found: &mut Findings) -> Option<i64> {
        let number = self.value.as_i64().or_else(|| {
            let whole = self.value.is_u64() || self.value.as_f64().is_some_and(is_whole);
            whole.then_some(i64::MAX)
        });
        let Some(number) = number else {
            self.type_fault("a whole number", found);
            return None;
        };
        if (least..=most).contains(&number) {
            return Some(number);
        }
        let problem = format!("must be between {least} and {most}, not {}", self.value);
        found.fault(&self.path, problem);
        None
    }

    /// A list of strings, each with its path.
    pub(super) fn texts(&self, found: &mut Findings) -> Vec<(String, &'a str)> {
        let items = self.items(found).into_iter().flatten();
        items
            .filter_map(|item| item.text(found).map(|text| (item.path.clone(), text)))
            .collect()
    }

    fn text_fault(&self, found: &mut Findings) {
        let hint = match self.value {
            Value::Bool(_) | Value::Number(_) => "; put it in quotes",
            _ => "",
        };
        let problem = format!("expected a string, found {}{hint}", describe(self.value));
        found.fault(&self.path, problem);
    }

    fn type_fault(&self, expected: &str, found: &mut Findings) {
        let problem = format!("expected {expected}, found {}", describe(self.value));
        found.fault(&self.path, problem);
    }
}

/// A mapping and its path.
#[derive(Debug)]
pub(super) struct Mapping<'a> {
    pub(super) path: String,
    fields: &'a Map<String, Value>,
    legacy: bool,
    /// Translates current field names where the source uses legacy ones.
    legacy_names: Option<&'static LegacyNames>,
}

impl<'a> Mapping<'a> {
    /// The same mapping, read by current field names; a field without a legacy
    /// name counts as absent.
    pub(super) fn with_legacy_names(self, legacy_names: &'static LegacyNames) -> Self {
        Self {
            legacy_names: Some(legacy_names),
            ..self
        }
    }

    /// The name of a field in the source.
    fn source_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        let Some(legacy_names) = self.legacy_names else {
            return Some(name);
        };
        let found = legacy_names.iter().find(|(_, current)| *current == name);
        found.map(|(legacy, _)| *legacy)
    }

    /// The field; `None` if it is absent or null (an empty YAML value).
    pub(super) fn field(&self, name: &str) -> Option<Node<'a>> {
        let written = self.source_name(name)?;
        let value = self.fields.get(written).filter(|value| !value.is_null())?;
        Some(Node {
            path: self.path_of(name),
            value,
            legacy: self.legacy,
        })
    }

    /// Every field that is not null, in the order of the names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let entry = |(name, value): (&'a String, &'a Value)| {
            let node = Node {
                path: self.path_of(name),
                value,
                legacy: self.legacy,
            };
            (name.as_str(), node)
        };
        self.fields.iter().map(entry)
    }

    /// The field; adds a fault if it is absent.
    pub(super) fn required(&self, name: &str, found: &mut Findings) -> Option<Node<'a>> {
        let field = self.field(name);
        if field.is_none() {
            found.fault(self.path_of(name), "is missing");
        }
        field
    }

    /// Adds a fault for each field that is not one of `known`.
    pub(super) fn reject_unknown_fields(&self, known: &[&str], found: &mut Findings) {
        let written: Vec<&str> = match self.legacy_names {
            Some(legacy_names) => legacy_names.iter().map(|(legacy, _)| *legacy).collect(),
            None => known.to_vec(),
        };
        for name in self.unknown(&written) {
            let allowed = written.join(", ");
            let problem = format!("unknown field; allowed fields: {allowed}");
            found.fault(join(&self.path, name), problem);
        }
    }

    /// The names of the fields that are not one of `known`.
    pub(super) fn unknown(&self, known: &[&str]) -> impl Iterator<Item = &'a str> {
        let names = self.fields.keys().map(String::as_str);
        names.filter(move |name| !known.contains(name))
    }

    /// Whether the field is present, even as null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The path of a field, whether present or not.
    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.path, self.source_name(name).unwrap_or(name))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        return name.to_owned();
    }
    format!("{path}.{name}")
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {value}"),
        Value::String(value) => format!("{value:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
