//! Label selectors: which labels they match, and what equals what.
//!
//! Pure; reading them with their faults is `config`'s part.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// A Kubernetes `LabelSelector`. All its parts must match; one without parts
/// matches everything. Parts are kept in order, so that equal selectors are
/// equal values however they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// `matchLabels`: labels that must be there with this value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: Labels,
    /// `matchExpressions`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub match_expressions: BTreeSet<Expression>,
}

/// One of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Expression {
    /// The label it is about.
    pub key: String,
    /// What is asked of the label.
    pub operator: Operator,
    /// Values for [`Operator::In`] and [`Operator::NotIn`], else empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<String>,
}

/// What an expression asks of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Operator {
    /// It is there with one of the values.
    In,
    /// It is absent, or there with a value that is none of these.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether every part matches.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let mut wanted = self.match_labels.iter();
        wanted.all(|(key, value)| labels.get(key) == Some(value))
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

/// Whether one of the selectors matches; an empty list matches nothing.
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
    fn operators_mean_what_they_mean_in_kubernetes() {
        use Operator::{DoesNotExist, Exists, In, NotIn};
        let (here, other, absent) = (
            labels(&[("a", "1")]),
            labels(&[("a", "9")]),
            labels(&[("b", "1")]),
        );
        let truth = [
            (In, vec!["1", "2"], [true, false, false]),
            (NotIn, vec!["1", "2"], [false, true, true]),
            (Exists, vec![], [true, true, false]),
            (DoesNotExist, vec![], [false, false, true]),
        ];
        for (operator, values, expected) in truth {
            let selector = expression("a", operator, &values);
            let found = [&here, &other, &absent].map(|labels| selector.matches(labels));
            assert_eq!(found, expected, "{operator:?}");
        }
    }
}
