//! Counts the Nodes once, to choose the gossip interval.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};

/// How long to wait between attempts.
const RETRY: Duration = Duration::from_millis(500);

/// The number of Nodes; waits for the API server.
pub async fn count_nodes(client: Client) -> usize {
    let api: Api<Node> = Api::all(client);
    loop {
        match api.list_metadata(&ListParams::default()).await {
            Ok(nodes) => return nodes.items.len(),
            Err(error) => tracing::debug!(%error, "waiting for the list of Nodes"),
        }
        tokio::time::sleep(RETRY).await;
    }
}
