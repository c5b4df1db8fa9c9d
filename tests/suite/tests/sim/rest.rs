//! Claims about a cluster without faults, except for lost messages.

use std::time::Duration;

use ferrolb_speaker::layer2::election::Cause;

use crate::replay::{ensure, on_seeds};
use crate::world::{Size, World};

#[test]
fn ten_nodes_with_one_percent_loss_move_nothing_in_ten_minutes() {
    let size = Size {
        stations: 10,
        ips: 10,
        loss: 0.01,
    };
    on_seeds(1, |seed| {
        let mut world = World::new(size, seed);
        world.settle();
        let from = world.now;
        world.run(Duration::from_secs(600));
        let failovers = world
            .taken_since(from)
            .filter(|it| it.cause == Cause::Failover);
        ensure(&world, failovers.count() == 0, "a live owner was replaced")?;
        let moves = world.taken_since(from).count();
        ensure(&world, moves == 0, "an IP moved")?;
        ensure(
            &world,
            world.oracle.two.length.is_zero(),
            "two stations answered at once",
        )
    });
}
