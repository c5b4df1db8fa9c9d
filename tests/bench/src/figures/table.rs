//! A table as text: columns as wide as their widest cell, numbers to the right.

/// Rows of cells under a head.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// How many columns from the left are words.
    words: usize,
}

impl Table {
    /// A table with a head; its first `words` columns are words, the others numbers.
    pub(crate) fn new(words: usize, head: &[&str]) -> Self {
        let head = head.iter().map(|cell| (*cell).to_owned()).collect();
        Self {
            rows: vec![head],
            words,
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, the head first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| match column < self.words {
                true => format!("{cell:width$}"),
                false => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let mut table = Table::new(1, &["event", "ms"]);
        table.row(vec!["link lost".to_owned(), "7".to_owned()]);
        table.row(vec!["–".to_owned(), "1234".to_owned()]);
        assert_eq!(
            table.lines(),
            ["event        ms", "link lost     7", "–          1234"]
        );
    }
}
