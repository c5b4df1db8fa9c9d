//! Label selectors and matching. Pure; parsing is in `config::read`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// A Kubernetes `LabelSelector`. All requirements must match; an empty selector
/// matches everything. Requirements are sorted, so that equivalent selectors
/// compare equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// `matchLabels`: labels that must have these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: Labels,
    /// `matchExpressions`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub match_expressions: BTreeSet<Expression>,
}

/// One of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Expression {
    /// The label key.
    pub key: String,
    /// The requirement.
    pub operator: Operator,
    /// Values for [`Operator::In`] and [`Operator::NotIn`], otherwise empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<String>,
}

/// The requirement of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label exists.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether every requirement matches.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let mut required = self.match_labels.iter();
        required.all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|e| e.matches(labels))
    }
}

impl Expression {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// Whether at least one selector matches; an empty list matches nothing.
#[must_use]
pub fn any_matches(selectors: &[LabelSelector], labels: &Labels) -> bool {
    selectors.iter().any(|selector| selector.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn expression(key: &str, operator: Operator, values: &[&str]) -> LabelSelector {
        LabelSelector {
            match_labels: Labels::new(),
            match_expressions: [Expression {
                key: key.to_owned(),
                operator,
                values: values.iter().map(|&value| value.to_owned()).collect(),
            }]
            .into(),
        }
    }

    #[test]
    fn an_empty_selector_matches_everything_and_an_empty_list_nothing() {
        assert!(LabelSelector::default().matches(&labels(&[])));
        assert!(!any_matches(&[], &labels(&[("a", "b")])));
        assert!(any_matches(&[LabelSelector::default()], &labels(&[])));
    }

    #[test]
    fn every_label_must_match() {
        let selector = LabelSelector {
            match_labels: labels(&[("a", "1"), ("b", "2")]),
            ..LabelSelector::default()
        };
        assert!(selector.matches(&labels(&[("a", "1"), ("b", "2"), ("c", "3")])));
        assert!(!selector.matches(&labels(&[("a", "1"), ("b", "3")])));
        assert!(!selector.matches(&labels(&[("a", "1")])));
    }

    #[test]
    fn operators_match_as_in_kubernetes() {
        use Operator::{DoesNotExist, Exists, In, NotIn};
        let (matching, other, absent) = (
            labels(&[("a", "1")]),
            labels(&[("a", "9")]),
            labels(&[("b", "1")]),
        );
        let cases = [
            (In, vec!["1", "2"], [true, false, false]),
            (NotIn, vec!["1", "2"], [false, true, true]),
            (Exists, vec![], [true, true, false]),
            (DoesNotExist, vec![], [false, false, true]),
        ];
        for (operator, values, expected) in cases {
            let selector = expression("a", operator, &values);
            let found = [&matching, &other, &absent].map(|labels| selector.matches(labels));
            assert_eq!(found, expected, "{operator:?}");
        }
    }
}
