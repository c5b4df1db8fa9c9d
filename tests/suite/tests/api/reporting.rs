//! Claims about what a speaker writes, with the rights it is shipped with: its
//! `ServiceL2Status` objects and its Events.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrolb_api::l2_status::ServiceL2Status;
use ferrolb_core::announcement::{ANNOUNCES, NODE_LABEL};
use ferrolb_core::key::ObjectKey;
use ferrolb_core::names::SPEAKER;
use ferrolb_runtime::kube::events::{self, EventNote, Reporter, reference};
use ferrolb_speaker::report::l2_status::writer::{Author, L2StatusWriter};
use ferrolb_speaker::report::l2_status::{L2Status, L2Statuses, SupersededStatus, name};
use kube::ResourceExt;
use kube::api::ListParams;
use libtest_mimic::Failed;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::cluster::Cluster;
use crate::{resources, wait};

fn web() -> ObjectKey {
    ObjectKey {
        namespace: "default".to_owned(),
        name: "web".to_owned(),
    }
}

/// The statuses of a node that announces 192.0.2.1 for `web`.
fn announces(node: &str, epoch: u64) -> L2Statuses {
    let status = L2Status {
        service: web(),
        announces: [([192, 0, 2, 1].into(), epoch)].into(),
        conflicts: BTreeMap::new(),
        unannounced: [].into(),
        interfaces: ["eth0".to_owned()].into(),
    };
    L2Statuses {
        own: [(name(&web(), node), status)].into(),
        superseded: BTreeMap::new(),
    }
}

/// The writer of one speaker.
struct Speaker {
    desired: watch::Sender<Arc<L2Statuses>>,
    leave: CancellationToken,
    task: JoinHandle<()>,
}

impl Speaker {
    async fn start(cluster: &Cluster, node: &str, first: L2Statuses) -> Result<Self, Failed> {
        let author = Author {
            node: node.to_owned(),
            pod: None,
        };
        let client = cluster.speaker().await?;
        let writer = L2StatusWriter::new(client, "ferrolb-system", author);
        let (desired, statuses) = watch::channel(Arc::new(first));
        let leave = CancellationToken::new();
        let task = tokio::spawn(writer.run(statuses, leave.clone()));
        Ok(Self {
            desired,
            leave,
            task,
        })
    }

    fn set(&self, statuses: L2Statuses) {
        self.desired.send_replace(Arc::new(statuses));
    }

    /// As if it had been killed.
    fn kill(self) {
        self.task.abort();
    }

    /// With everything removed.
    async fn leave(self) -> Outcome {
        self.set(L2Statuses::default());
        self.leave.cancel();
        self.task.await?;
        Ok(())
    }
}

/// Waits until there are these objects and no other: node and announcement.
async fn shown(cluster: &Cluster, expected: &[(&str, &str)]) -> Outcome {
    wait::until(&format!("statuses {expected:?}"), async || {
        let statuses = cluster.in_system::<ServiceL2Status>();
        let statuses = statuses.list(&ListParams::default()).await;
        let statuses = statuses.map_err(|error| error.to_string())?;
        let shown: Vec<(String, String)> = statuses.iter().filter_map(entry).collect();
        let equal = shown.len() == statuses.items.len()
            && expected.len() == shown.len()
            && expected.iter().all(|(node, text)| {
                let one = ((*node).to_owned(), (*text).to_owned());
                shown.contains(&one)
            });
        if equal {
            Ok(())
        } else {
            Err(format!("{shown:?}"))
        }
    })
    .await
}

/// Node and announcement of a complete object.
fn entry(object: &ServiceL2Status) -> Option<(String, String)> {
    let status = object.status.as_ref()?;
    let node = status.node.clone()?;
    let labelled = object.labels().get(NODE_LABEL) == Some(&node);
    let about = status.service_name.as_deref() == Some("web");
    let on = status.interfaces.first()?.name.as_deref() == Some("eth0");
    let announces = object.annotations().get(ANNOUNCES)?.clone();
    (labelled && about && on).then_some((node, announces))
}

pub(crate) async fn the_statuses_of_a_speaker_show_what_it_announces(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    let speaker = Speaker::start(cluster, "node-1", announces("node-1", 1)).await?;
    shown(cluster, &[("node-1", "192.0.2.1=1")]).await?;
    speaker.set(announces("node-1", 3));
    shown(cluster, &[("node-1", "192.0.2.1=3")]).await?;
    speaker.kill();
    // The next one on the node starts with nothing and corrects what is left.
    let other = Speaker::start(cluster, "node-2", announces("node-2", 4)).await?;
    let again = Speaker::start(cluster, "node-1", L2Statuses::default()).await?;
    shown(cluster, &[("node-2", "192.0.2.1=4")]).await?;
    other.leave().await?;
    shown(cluster, &[]).await?;
    again.leave().await
}

pub(crate) async fn a_successor_removes_the_statuses_of_a_dead_speaker(
    cluster: &mut Cluster,
) -> Outcome {
    resources::install(cluster).await?;
    let dead = Speaker::start(cluster, "node-1", announces("node-1", 5)).await?;
    shown(cluster, &[("node-1", "192.0.2.1=5")]).await?;
    dead.kill();
    let superseding = |epoch| L2Statuses {
        superseded: [(
            name(&web(), "node-1"),
            SupersededStatus {
                ip: [192, 0, 2, 1].into(),
                epoch,
            },
        )]
        .into(),
        ..announces("node-2", epoch)
    };
    // A status with a newer claim is left alone.
    let successor = Speaker::start(cluster, "node-2", superseding(4)).await?;
    let both = [("node-1", "192.0.2.1=5"), ("node-2", "192.0.2.1=4")];
    shown(cluster, &both).await?;
    successor.set(superseding(6));
    shown(cluster, &[("node-2", "192.0.2.1=6")]).await?;
    successor.leave().await
}

pub(crate) async fn a_repeated_event_is_counted_in_one_object(cluster: &mut Cluster) -> Outcome {
    let by = Reporter {
        controller: SPEAKER,
        instance: "node-1".to_owned(),
    };
    let client = cluster.speaker().await?;
    let (sender, writer) = events::channel(client, by, Arc::new(|_| {}));
    let leave = CancellationToken::new();
    let task = tokio::spawn(writer.run(leave.clone()));
    let event = |note: &str| EventNote {
        regarding: reference("v1", "Service", Some("default"), "web", "7"),
        warning: false,
        reason: "Announced",
        action: "Announce",
        note: note.to_owned(),
    };
    for note in ["by node-1", "by node-1", "by node-2", "by node-1"] {
        sender.send(event(note));
    }
    wait::until("two Events, one of them counted", async || {
        let events = cluster
            .events("web")
            .await
            .map_err(|error| format!("{error:?}"))?;
        let count = |note: &str| {
            let same = events
                .iter()
                .filter(|event| event.note.as_deref() == Some(note));
            let counts = same.map(|event| event.series.as_ref().map_or(1, |series| series.count));
            counts.collect::<Vec<_>>()
        };
        let counts = (count("by node-1"), count("by node-2"));
        if counts == (vec![3], vec![1]) {
            return Ok(());
        }
        Err(format!("{counts:?}"))
    })
    .await?;
    leave.cancel();
    task.await?;
    Ok(())
}
