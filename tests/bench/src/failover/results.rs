//! The measurements of a row, and its lines in the table. Pure.

use std::collections::BTreeMap;

use crate::figures::{Figures, Table};

/// What is measured in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    /// The client's longest silence, in milliseconds.
    Silence,
    /// Requests without an answer.
    Lost,
    /// From the fault to the first ARP reply of another host, in milliseconds.
    NewOwner,
    /// The client's longest silence during the repair, in milliseconds.
    SilenceAtReturn,
    /// How long two hosts answered ARP, in milliseconds.
    TwoAnswer,
}

impl Measure {
    fn label(self) -> &'static str {
        match self {
            Self::Silence => "longest silence, ms",
            Self::Lost => "requests lost",
            Self::NewOwner => "until another host answers, ms",
            Self::SilenceAtReturn => "longest silence during repair, ms",
            Self::TwoAnswer => "two hosts answer, ms",
        }
    }
}

/// The values of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results {
    values: BTreeMap<Measure, Vec<f64>>,
    failed: Vec<String>,
}

impl Results {
    /// Adds one trial.
    pub(crate) fn add(&mut self, trial: &[(Measure, f64)]) {
        for (measure, value) in trial {
            self.values.entry(*measure).or_default().push(*value);
        }
    }

    /// Adds a trial that failed.
    pub(crate) fn fail(&mut self, why: String) {
        self.failed.push(why);
    }

    /// Adds the row's lines to the table.
    pub(crate) fn write(&self, label: &str, table: &mut Table) {
        let mut name = label.to_owned();
        for (measure, values) in &self.values {
            let Some(figures) = Figures::of(values) else {
                continue;
            };
            let number = |value: f64| format!("{value:.0}");
            table.row(vec![
                std::mem::take(&mut name),
                measure.label().to_owned(),
                figures.count.to_string(),
                number(figures.median),
                number(figures.p99),
                number(figures.max),
            ]);
        }
        if !self.failed.is_empty() {
            table.row(vec![
                std::mem::take(&mut name),
                "failed trials".to_owned(),
                self.failed.len().to_string(),
            ]);
        }
    }
}

/// An empty table with its head.
pub(crate) fn table() -> Table {
    Table::new(2, &["event", "measured", "count", "median", "p99", "max"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_every_measure_and_its_failures_under_one_name() {
        let mut results = Results::default();
        results.add(&[(Measure::Silence, 210.4), (Measure::Lost, 0.0)]);
        results.add(&[(Measure::Silence, 190.0), (Measure::Lost, 3.0)]);
        results.fail("no takeover".to_owned());
        let mut table = table();
        results.write("link lost", &mut table);
        let lines: Vec<String> = table
            .lines()
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines[1..],
            [
                "link lost longest silence, ms 2 190 210 210",
                "requests lost 2 0 3 3",
                "failed trials 1",
            ]
        );
    }
}
