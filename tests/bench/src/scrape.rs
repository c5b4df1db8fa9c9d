//! Reads a speaker's `/metrics` from within a namespace.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ferrolb_lab::netns;

/// How long a speaker may take to answer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The text of a speaker's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Reads them from the listener at `address`, from within the namespace.
    pub(crate) fn fetch(namespace: &str, address: SocketAddr) -> Result<Self> {
        let text = netns::enter(namespace, || get(address))?;
        let text = text.with_context(|| format!("cannot read /metrics from {address}"))?;
        Ok(Self(text))
    }

    /// The sum over all series of a name whose labels contain the given text (empty:
    /// all of them); 0 if there is none yet.
    pub(crate) fn sum(&self, name: &str, labels: &str) -> f64 {
        let value = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let (found, value) = rest.rsplit_once(' ')?;
            let whole = found.is_empty() || found.starts_with('{');
            (whole && found.contains(labels)).then(|| value.parse::<f64>().ok())?
        };
        // The sum of nothing would be minus zero.
        self.0
            .lines()
            .filter_map(value)
            .fold(0.0, |sum, one| sum + one)
    }
}

fn get(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: speaker\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(
        answer.starts_with("HTTP/1.1 200 "),
        "{:?}",
        answer.lines().next()
    );
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_series_of_a_name_and_no_other() {
        let text = "# TYPE a_total counter\na_total{cause=\"failover\"} 2\n\
            a_total{cause=\"first\"} 3\na_total_more 90\na 7\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("a_total", "").to_bits(), 5f64.to_bits());
        let failover = metrics.sum("a_total", "cause=\"failover\"");
        assert_eq!(failover.to_bits(), 2f64.to_bits());
        assert_eq!(metrics.sum("a", "").to_bits(), 7f64.to_bits());
        assert_eq!(metrics.sum("b", "").to_bits(), 0f64.to_bits());
    }
}
