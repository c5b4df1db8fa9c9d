//! Checks whether the kernel's ARP settings suit kube-proxy's mode: at the start,
//! when links change, and periodically, since settings change without an event.

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

/// A kube-proxy that has just created its interface may still be changing settings.
const GRACE: Duration = Duration::from_secs(3);

/// How often the settings are read while IPVS is used.
const INTERVAL: Duration = Duration::from_secs(60);

/// Watches until cancelled; `report` is called when the result changes, with none
/// when the settings are right again.
pub async fn watch(
    folder: PathBuf,
    mut links: watch::Receiver<Arc<Links>>,
    report: impl Fn(Option<Loose>),
    cancel: CancellationToken,
) {
    let mut reported = None;
    loop {
        let ipvs = uses_ipvs(&links.borrow_and_update());
        if ipvs {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(GRACE) => {}
            }
        }
        let loose = if ipvs { check(&folder) } else { None };
        if loose != reported {
            report(loose);
            reported = loose;
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = links.changed() => if changed.is_err() {
                return cancel.cancelled().await;
            },
            () = tokio::time::sleep(INTERVAL), if ipvs => {}
        }
    }
}

/// Logs the result, and writes an Event on the Node if the settings are wrong.
pub fn report(node: &str, events: &EventSender, loose: Option<Loose>) {
    match loose {
        Some(loose) => {
            tracing::warn!(
                node,
                arp_ignore = loose.0.ignore,
                arp_announce = loose.0.announce,
                "kube-proxy runs in IPVS mode without strict ARP; set ipvs.strictARP: true"
            );
            events.send(news(node, loose));
        }
        None => tracing::info!(node, "ARP settings suit kube-proxy's mode again"),
    }
}

fn check(folder: &Path) -> Option<Loose> {
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
