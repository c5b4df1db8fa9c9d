//! A watch reduced to three verbs on a plain data structure: apply, delete,
//! and reset (after a list). Trouble with the API server is logged once per
//! outage and retried with backoff; consumers only see objects.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use ferrolb_core::change::Change;
use ferrolb_core::key::ObjectKey;
use ferrolb_core::text::Chain;
use futures::{Stream, StreamExt};
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_events};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::outage::Outage;
use crate::retry;

/// Namespace and name of an object; the namespace is empty for an object in none.
#[must_use]
pub fn object_key<K: Resource>(object: &K) -> ObjectKey {
    ObjectKey {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

/// Watches until dropped and hands every change to `sink`, in order.
///
/// Each object is cut down by `view` as it comes in, so that a long list of
/// large objects is never in memory as a whole. An object without a view does
/// not exist for the consumer. `what` names the objects in logs.
pub async fn watch<K, V, F>(
    api: Api<K>,
    config: watcher::Config,
    what: &'static str,
    view: impl Fn(K) -> Option<V>,
    mut sink: impl FnMut(Change<V>) -> F,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    F: Future<Output = ()>,
{
    let events = watch_events(api, config).backoff(backoff());
    let changes = changes(events, what, view);
    futures::pin_mut!(changes);
    while let Some(change) = changes.next().await {
        sink(change).await;
    }
}

/// Like client-go's, but capped at three seconds instead of thirty: after an
/// outage a Service should not wait half a minute for its address.
fn backoff() -> ResetTimerBackoff<watcher::ExponentialBackoff> {
    let growing = retry::backoff(Duration::from_millis(200), Duration::from_secs(3));
    ResetTimerBackoff::new(growing.into(), Duration::from_secs(30))
}

fn changes<K: Resource, V>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
    what: &'static str,
    view: impl Fn(K) -> Option<V>,
) -> impl Stream<Item = Change<V>> {
    let mut list = Vec::new();
    let mut outage = Outage::default();
    events.filter_map(move |event| {
        log(&event, what, &mut outage);
        let change = event.ok().and_then(|event| reduce(event, &view, &mut list));
        std::future::ready(change)
    })
}

fn reduce<K: Resource, V>(
    event: Event<K>,
    view: impl Fn(K) -> Option<V>,
    list: &mut Vec<V>,
) -> Option<Change<V>> {
    match event {
        Event::Apply(object) => {
            let key = object_key(&object);
            Some(view(object).map_or(Change::Delete(key), Change::Apply))
        }
        Event::Delete(object) => Some(Change::Delete(object_key(&object))),
        Event::Init => {
            list.clear();
            None
        }
        Event::InitApply(object) => {
            list.extend(view(object));
            None
        }
        Event::InitDone => Some(Change::Reset(std::mem::take(list))),
    }
}

/// Logs the first error of an outage and its end, not each retry.
fn log<K>(event: &Result<Event<K>, watcher::Error>, what: &str, outage: &mut Outage) {
    match event {
        Err(error) if outage.failed(()) => {
            tracing::warn!(watch = what, error = %Chain(error), "watch failed; retrying, using cached state");
        }
        Err(error) => tracing::debug!(watch = what, error = %Chain(error), "watch still failing"),
        // `Init` only announces an attempt to list.
        Ok(Event::Init) => {}
        Ok(_) if outage.recovered() => tracing::info!(watch = what, "watch works again"),
        Ok(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::ResourceExt;
    use kube::runtime::watcher::Event::{self, Apply, Delete, Init, InitApply, InitDone};

    use super::{Change, changes};

    fn map(name: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(name.to_owned());
        map
    }

    /// The changes in the names of ConfigMaps, `hidden` left out.
    async fn names(events: Vec<Event<ConfigMap>>) -> Vec<Change<String>> {
        let view = |map: ConfigMap| Some(map.name_any()).filter(|name| name != "hidden");
        let events = stream::iter(events.into_iter().map(Ok));
        changes(events, "maps", view).collect().await
    }

    #[tokio::test]
    async fn a_list_becomes_one_reset() {
        let listed = ["a", "hidden", "b"].map(|name| InitApply(map(name)));
        let mut events = vec![Init];
        events.extend(listed);
        events.extend([InitDone, Apply(map("c")), Delete(map("a"))]);
        let seen = names(events).await;
        let [
            Change::Reset(all),
            Change::Apply(applied),
            Change::Delete(deleted),
        ] = &seen[..]
        else {
            panic!("{seen:?}");
        };
        assert_eq!(all, &["a", "b"]);
        assert_eq!((&**applied, &*deleted.name), ("c", "a"));
    }

    #[tokio::test]
    async fn a_list_cut_short_is_not_shown() {
        let seen = names(vec![Init, InitApply(map("a")), Init, InitDone]).await;
        assert_eq!(seen, [Change::Reset(Vec::new())]);
    }

    #[tokio::test]
    async fn an_object_that_no_longer_concerns_the_consumer_is_deleted() {
        let seen = names(vec![Apply(map("hidden"))]).await;
        assert!(matches!(&seen[..], [Change::Delete(key)] if key.name == "hidden"));
    }
}
