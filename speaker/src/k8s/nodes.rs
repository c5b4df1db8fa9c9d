//! Counts the Nodes once, to choose the gossip interval.

use std::time::Duration;

use ferrolb_core::text::Chain;
use ferrolb_runtime::retry;
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};

/// The first and the longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(1));

/// The number of Nodes; waits for the API server.
pub async fn count_nodes(client: Client) -> usize {
    let api: Api<Node> = Api::all(client);
    let params = ListParams::default();
    let attempt = || api.list_metadata(&params);
    let failed = |error| tracing::debug!(error = %Chain(&error), "cannot list Nodes; retrying");
    let nodes = retry::retry(retry::backoff(PAUSE.0, PAUSE.1), attempt, failed).await;
    nodes.items.len()
}
