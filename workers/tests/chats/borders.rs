//! A worker that dies at any border of a turn, and another one that goes on.

use crate::{
    place::Place,
    tools::{AGENT, looks, tools},
    world::World,
};
use flotilla_jobs::Busy;
use flotilla_workers::store::fault::faulty;
use std::time::Duration;

/// Calls of the model that a turn without a crash needs.
const STEPS: usize = 2;
/// A worker's default lease is over then.
const LEASE_IS_OVER: Duration = Duration::from_secs(16);
const ANSWER: &str = "It is as blue as the sea on a fine day in the early summer.";

pub async fn a_worker_may_die_at_any_border(place: Place) {
    let world = World::with_agent(place, looks(ANSWER), AGENT, tools()).await;
    let mut paid_twice = 0;
    for border in 1.. {
        assert!(border < 100, "a turn has fewer borders");
        // With steering, so that what is heard has borders, too.
        let session = world.open(Busy::Steer).await;
        let job = world.say(session, "Which color?").await;
        let (store, faults) = faulty(world.store.clone());
        faults.die_at(border);
        let mortal = world.start_on(store);
        let died = tokio::select! {
            () = faults.died() => true,
            _ = world.ended(job) => false,
        };
        if !died {
            mortal.stop().await;
            assert!(border >= 20, "borders were met: {border}");
            assert!(paid_twice > 0, "one call was paid twice");
            return;
        }
        mortal.kill();
        world.advance(LEASE_IS_OVER);
        let next = world.start();
        let reply = world.agrees(session, job).await;
        assert_eq!(reply.text, ANSWER, "border {border}");
        let calls = world.provider.calls().len();
        assert!(calls <= STEPS + 1, "border {border}: {calls} calls");
        paid_twice += usize::from(calls > STEPS);
        let talk = ["user: Which color?", "assistant: I look.", "tool: blue", &format!("assistant: {ANSWER}")];
        assert_eq!(world.talk(session).await, talk, "border {border}");
        next.stop().await;
        world.provider.reset();
    }
}
