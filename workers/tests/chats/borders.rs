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
    // Each border has a turn, a queue and a worker of its own.
    let mut turns = Vec::new();
    for border in 1.. {
        assert!(border < 100, "a turn has fewer borders");
        let (queue, words) = (format!("b{border}"), format!("Which color, {border:03}?"));
        // With steering, so that what is heard has borders, too.
        let session = world.open(Busy::Steer).await;
        let job = world.say_in(&queue, session, &words).await;
        let (store, faults) = faulty(world.store.clone());
        faults.die_at(border);
        let mortal = world.start_on(&store, [queue.clone()]);
        let died = tokio::select! {
            () = faults.died() => true,
            _ = world.ended(job) => false,
        };
        if !died {
            mortal.stop().await;
            break;
        }
        mortal.kill();
        turns.push((queue, words, session, job));
    }
    assert!(turns.len() >= 20, "borders were met: {}", turns.len());
    world.advance(LEASE_IS_OVER);
    let next = world.start_on(&world.store, turns.iter().map(|(queue, ..)| queue.clone()));
    let mut paid_twice = 0;
    for (border, words, session, job) in turns {
        let reply = world.agrees(session, job).await;
        assert_eq!(reply.text, ANSWER, "{border}");
        let calls = world.asked().iter().filter(|(_, told)| told.iter().any(|said| said.contains(&words))).count();
        assert!((STEPS..=STEPS + 1).contains(&calls), "{border}: {calls} calls");
        paid_twice += usize::from(calls > STEPS);
        let talk = [&format!("user: {words}"), "assistant: I look.", "tool: blue", &format!("assistant: {ANSWER}")];
        assert_eq!(world.talk(session).await, talk, "{border}");
    }
    assert!(paid_twice > 0, "one call was paid twice");
    next.stop().await;
}
