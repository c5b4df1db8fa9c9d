//! Looks whether the kernel's ARP settings fit kube-proxy's mode: at the start,
//! when links change, and now and then, since settings change unheard.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ferrolb_runtime::kube::events::EventSender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::host::interfaces::Links;
use crate::host::strict_arp::{ArpSettings, Loose, judge, news, uses_ipvs};

/// Where the kernel shows the settings of this network namespace.
pub const SETTINGS: &str = "/proc/sys/net/ipv4/conf/all";

/// A kube-proxy that has just made its interface may still be setting.
const GRACE: Duration = Duration::from_secs(3);

/// How often the settings are read where IPVS is used.
const AGAIN: Duration = Duration::from_secs(60);

/// Watches until cancelled; `tell` is told of what is wrong when it changes,
/// and of none when nothing is any more.
pub async fn watch(
    folder: PathBuf,
    mut links: watch::Receiver<Arc<Links>>,
    tell: impl Fn(Option<Loose>),
    cancel: CancellationToken,
) {
    let mut told = None;
    loop {
        let ipvs = uses_ipvs(&links.borrow_and_update());
        if ipvs {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(GRACE) => {}
            }
        }
        let loose = if ipvs { look(&folder) } else { None };
        if loose != told {
            tell(loose);
            told = loose;
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = links.changed() => if changed.is_err() {
                return cancel.cancelled().await;
            },
            () = tokio::time::sleep(AGAIN), if ipvs => {}
        }
    }
}

/// Logs what is wrong, and writes an Event on the Node.
pub fn tell(node: &str, events: &EventSender, loose: Option<Loose>) {
    match loose {
        Some(loose) => {
            tracing::warn!(node, "{loose}");
            events.send(news(node, loose));
        }
        None => tracing::info!(node, "ARP settings fit kube-proxy's mode now"),
    }
}

fn look(folder: &Path) -> Option<Loose> {
    let settings = read(folder, "arp_ignore").and_then(|ignore| {
        let announce = read(folder, "arp_announce")?;
        Ok(ArpSettings { ignore, announce })
    });
    match settings {
        Ok(settings) => judge(settings),
        Err(error) => {
            tracing::debug!(%error, folder = %folder.display(), "cannot read the ARP settings");
            None
        }
    }
}

fn read(folder: &Path, name: &str) -> io::Result<u8> {
    let text = std::fs::read_to_string(folder.join(name))?;
    text.trim().parse().map_err(io::Error::other)
}
