//! A watch reduced to three verbs on a plain data structure: apply, delete,
//! and reset (after a list). Trouble with the API server is logged once per
//! outage and retried with backoff; consumers only see objects.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use backon::ExponentialBuilder;
use futures::{Stream, StreamExt};
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::ExponentialBackoff;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use ferrolb_core::text::Chain;

/// What happened to the watched objects.
#[derive(Debug, Clone)]
pub enum Change<K> {
    /// The object exists and looks like this now.
    Apply(K),
    /// The object is gone; this is how it looked last.
    Delete(K),
    /// These are all objects there are; forget any other.
    Reset(Vec<K>),
}

/// Watches until cancelled and hands every change to `sink`, in order.
///
/// `what` names the objects in logs.
pub async fn watch<K, F, S>(
    api: Api<K>,
    config: watcher::Config,
    what: &'static str,
    cancel: CancellationToken,
    sink: S,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    S: FnMut(Change<K>) -> F,
    F: Future<Output = ()>,
{
    watch_as(api, config, what, cancel, std::convert::identity, sink).await;
}

/// Like [`watch`], but each object is turned into another value as it comes
/// in, so that a long list of large objects never is in memory as a whole.
pub async fn watch_as<K, V, F, S>(
    api: Api<K>,
    config: watcher::Config,
    what: &'static str,
    cancel: CancellationToken,
    cut: impl Fn(K) -> V,
    mut sink: S,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    S: FnMut(Change<V>) -> F,
    F: Future<Output = ()>,
{
    let events = watcher(api, config).backoff(backoff());
    let events = events.map(|event| event.map(|event| cut_event(event, &cut)));
    let changes = changes(events, what);
    futures::pin_mut!(changes);
    loop {
        let change = tokio::select! {
            () = cancel.cancelled() => return,
            change = changes.next() => change,
        };
        match change {
            Some(change) => sink(change).await,
            None => return,
        }
    }
}

/// Like client-go's, but capped at three seconds instead of thirty: after an
/// outage a Service should not wait half a minute for its address.
fn backoff() -> ResetTimerBackoff<ExponentialBackoff> {
    let growing = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(3))
        .without_max_times()
        .with_jitter();
    ResetTimerBackoff::new(growing.into(), Duration::from_secs(30))
}

fn changes<K>(
    events: impl Stream<Item = Result<watcher::Event<K>, watcher::Error>>,
    what: &'static str,
) -> impl Stream<Item = Change<K>> {
    let mut list = Vec::new();
    let mut outage = Outage::new(what);
    events.filter_map(move |event| {
        outage.note(&event);
        let change = event.ok().and_then(|event| reduce(event, &mut list));
        std::future::ready(change)
    })
}

fn cut_event<K, V>(event: watcher::Event<K>, cut: impl Fn(K) -> V) -> watcher::Event<V> {
    match event {
        watcher::Event::Apply(object) => watcher::Event::Apply(cut(object)),
        watcher::Event::Delete(object) => watcher::Event::Delete(cut(object)),
        watcher::Event::Init => watcher::Event::Init,
        watcher::Event::InitApply(object) => watcher::Event::InitApply(cut(object)),
        watcher::Event::InitDone => watcher::Event::InitDone,
    }
}

fn reduce<K>(event: watcher::Event<K>, list: &mut Vec<K>) -> Option<Change<K>> {
    match event {
        watcher::Event::Apply(object) => Some(Change::Apply(object)),
        watcher::Event::Delete(object) => Some(Change::Delete(object)),
        watcher::Event::Init => {
            list.clear();
            None
        }
        watcher::Event::InitApply(object) => {
            list.push(object);
            None
        }
        watcher::Event::InitDone => Some(Change::Reset(std::mem::take(list))),
    }
}

/// Logs the first error of an outage and its end, not each retry.
struct Outage {
    what: &'static str,
    down: bool,
}

impl Outage {
    fn new(what: &'static str) -> Self {
        Self { what, down: false }
    }

    fn note<K>(&mut self, event: &Result<watcher::Event<K>, watcher::Error>) {
        match event {
            Err(error) if !self.down => {
                self.down = true;
                tracing::warn!(watch = self.what, error = %Chain(error), "watch interrupted; going on with what is known, retrying");
            }
            Err(error) => tracing::debug!(watch = self.what, %error, "watch still interrupted"),
            // `Init` only announces an attempt to list.
            Ok(watcher::Event::Init) => {}
            Ok(_) if self.down => {
                self.down = false;
                tracing::info!(watch = self.what, "watch works again");
            }
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use kube::runtime::watcher::Event;

    use super::{Change, changes};

    #[tokio::test]
    async fn a_list_becomes_one_reset() {
        let events = [
            Event::Init,
            Event::InitApply(1),
            Event::InitApply(2),
            Event::InitDone,
            Event::Apply(3),
            Event::Delete(1),
        ];
        let seen: Vec<_> = changes(stream::iter(events.map(Ok)), "numbers")
            .collect()
            .await;
        assert!(matches!(
            &seen[..],
            [Change::Reset(all), Change::Apply(3), Change::Delete(1)] if all == &[1, 2]
        ));
    }

    #[tokio::test]
    async fn a_list_cut_short_is_not_shown() {
        let events = [
            Event::Init,
            Event::InitApply(1),
            Event::Init,
            Event::InitDone,
        ];
        let seen: Vec<_> = changes(stream::iter(events.map(Ok)), "numbers")
            .collect()
            .await;
        assert!(matches!(&seen[..], [Change::Reset(all)] if all.is_empty()));
    }
}
