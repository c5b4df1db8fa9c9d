//! Finds out which kinds the API server serves, now or later.

use std::collections::BTreeSet;
use std::time::Duration;

use ferrolb_core::text::Chain;
use kube::Client;
use kube::core::ApiResource;

use crate::retry;

/// Pause between requests while the API server does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Waits for kinds that the API server does not serve yet.
pub struct Discovery<T> {
    client: Client,
    missing: Vec<(T, ApiResource)>,
    interval: Duration,
    asked: bool,
}

impl<T> Discovery<T> {
    /// Looks for these kinds, again after `interval` while some are missing.
    #[must_use]
    pub fn new(
        client: Client,
        kinds: impl IntoIterator<Item = (T, ApiResource)>,
        interval: Duration,
    ) -> Self {
        Self {
            client,
            missing: kinds.into_iter().collect(),
            interval,
            asked: false,
        }
    }

    /// The kinds that are served and were not before, each once. The first
    /// answer is returned even if it is empty; later ones are waited for, for
    /// ever once no kind is missing.
    pub async fn next(&mut self) -> Vec<T> {
        loop {
            if self.asked && self.missing.is_empty() {
                std::future::pending::<()>().await;
            }
            if self.asked {
                tokio::time::sleep(self.interval).await;
            }
            let served = self.served().await;
            let first = !std::mem::replace(&mut self.asked, true);
            let (found, missing): (Vec<_>, Vec<_>) = std::mem::take(&mut self.missing)
                .into_iter()
                .partition(|(_, kind)| served.contains(&place(kind)));
            self.missing = missing;
            if first || !found.is_empty() {
                return found.into_iter().map(|(kind, _)| kind).collect();
            }
        }
    }

    /// What is served in the group versions of the missing kinds; waits for the
    /// API server.
    async fn served(&self) -> BTreeSet<(String, String)> {
        let versions = self.missing.iter().map(|(_, kind)| &*kind.api_version);
        let mut served = BTreeSet::new();
        for version in versions.collect::<BTreeSet<_>>() {
            let plurals = retry::retry(
                retry::backoff(RETRY, RETRY),
                || plurals(&self.client, version),
                |error| tracing::debug!(error = %Chain(&error), "cannot discover API resources"),
            );
            served.extend(
                plurals
                    .await
                    .into_iter()
                    .map(|plural| (version.to_owned(), plural)),
            );
        }
        served
    }
}

fn place(kind: &ApiResource) -> (String, String) {
    (kind.api_version.clone(), kind.plural.clone())
}

/// The kinds of a group version, by their plurals; none if it is unknown.
async fn plurals(client: &Client, version: &str) -> kube::Result<Vec<String>> {
    match client.list_api_group_resources(version).await {
        Ok(list) => Ok(list.resources.into_iter().map(|kind| kind.name).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
