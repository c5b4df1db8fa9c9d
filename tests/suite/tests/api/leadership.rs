//! Claims about several controllers of which one may write.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::Outcome;
use crate::cluster::Cluster;

const WIDE: &str = "pools: [{name: lan, addresses: [10.77.0.0/20]}]";
const LAN: &str = "pools: [{name: lan, addresses: [10.77.0.0/24]}]";

pub(crate) async fn only_one_of_two_writes_and_a_stop_hands_over_at_once(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let first = cluster.controller_with_long_lease().await?;
    first.metric("ferrolb_controller_leader", 1).await?;
    let second = cluster.controller_with_long_lease().await?;
    second.ready().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.0"]).await?;
    second.metric("ferrolb_controller_leader", 0).await?;
    let holder = cluster.holder().await?;
    first.stop().await?;
    // By its release, not by its end, which is further away than any wait here.
    cluster.create("next", json!({})).await?;
    cluster.shows("next", &["10.77.0.1"]).await?;
    assert_ne!(cluster.holder().await?, holder);
    second.stop().await?;
    assert_eq!(cluster.holder().await?, "");
    Ok(())
}

pub(crate) async fn fifty_services_survive_a_controller_killed_again_and_again(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let mut active = cluster.controller().await?;
    active.metric("ferrolb_controller_leader", 1).await?;
    let mut seen = BTreeMap::new();
    for round in 0..5 {
        let standby = cluster.controller().await?;
        standby.ready().await?;
        for number in 0..10 {
            cluster
                .create(&format!("web-{round}-{number}"), json!({}))
                .await?;
            if number == 5 {
                // In the middle of its work, with nothing released.
                std::mem::replace(&mut active, cluster.controller().await?).kill();
            }
            check(&mut seen, cluster.shown().await?)?;
        }
        active.kill();
        active = standby;
        let all = cluster.all_assigned((round + 1) * 10).await?;
        check(&mut seen, all)?;
    }
    active.stop().await
}

pub(crate) async fn a_burst_of_five_hundred_survives_the_active_controller_killed_in_its_middle(
    cluster: &mut Cluster,
) -> Outcome {
    const BURST: usize = 500;
    cluster.configure(WIDE).await?;
    let active = cluster.controller().await?;
    active.metric("ferrolb_controller_leader", 1).await?;
    let standby = cluster.controller().await?;
    standby.ready().await?;
    let place: &Cluster = cluster;
    let create =
        |number: usize| async move { place.create(&format!("web-{number}"), json!({})).await };
    let burst = stream::iter(0..BURST).map(create).buffer_unordered(8);
    let burst = burst.try_collect::<()>();
    let kill = async {
        let some = crate::wait::until("a hundred addresses", async || {
            let shown = place
                .shown()
                .await
                .map_err(|failed| format!("{failed:?}"))?;
            match shown.len() {
                0..100 => Err("there are fewer".to_owned()),
                _ => Ok(shown),
            }
        });
        let some = some.await?;
        active.kill();
        Ok(some)
    };
    let (_, mut seen) = futures::try_join!(burst, kill)?;
    assert!(seen.len() < BURST, "the burst was over before the kill");
    let all = cluster.all_assigned(BURST).await?;
    check(&mut seen, all)?;
    standby.stop().await
}

pub(crate) async fn stops_choosing_while_the_api_server_is_unreachable(
    cluster: &mut Cluster,
) -> Outcome {
    cluster.configure(LAN).await?;
    let controller = cluster.controller().await?;
    cluster.create("web", json!({})).await?;
    cluster.shows("web", &["10.77.0.0"]).await?;
    cluster.server.stop_api();
    controller.metric("ferrolb_controller_leader", 0).await?;
    cluster.server.start_api()?;
    controller.metric("ferrolb_controller_leader", 1).await?;
    cluster.create("next", json!({})).await?;
    cluster.shows("next", &["10.77.0.1"]).await?;
    cluster.shows("web", &["10.77.0.0"]).await?;
    controller.stop().await
}

/// Adds what is shown now to what was seen: nothing twice, nothing moved.
fn check(seen: &mut BTreeMap<String, Vec<String>>, now: BTreeMap<String, Vec<String>>) -> Outcome {
    let ips: Vec<&String> = now.values().flatten().collect();
    let distinct: BTreeSet<&String> = ips.iter().copied().collect();
    if ips.len() != distinct.len() {
        return Err(format!("an address is there twice: {now:?}").into());
    }
    for (service, before) in &*seen {
        if now.get(service) != Some(before) {
            return Err(format!(
                "{service} had {before:?} and now has {:?}",
                now.get(service)
            )
            .into());
        }
    }
    seen.extend(now);
    Ok(())
}
