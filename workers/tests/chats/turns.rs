//! Turns that follow, join and interrupt each other.

use crate::{
    place::Place,
    reader,
    world::{World, turn},
};
use flotilla_jobs::{Busy, Job as _, JobState, NewJob, kinds::ChatTurn};
use flotilla_workers::{
    sessions::Posted,
    store::{LiveEvent, Submission},
};
use serde_json::{Value, json};

const STORY: &str = "Once upon a time there was a small boat that wanted to see the sea.";

/// The first call says a little and then nothing until it is released.
fn stalls() -> Value {
    json!({ "rules": [
        { "when": { "call": 1 }, "then": { "text": STORY, "stall": { "after": 4, "ms": 600_000 } } },
    ] })
}

pub async fn a_message_is_answered_and_all_of_it_is_on_record(place: Place) {
    let world = World::new(place, json!({ "rules": [{ "then": { "text": STORY } }] })).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let job = world.say(session, "Tell me a story.").await;
    let reply = world.agrees(session, job).await;
    assert_eq!((reply.text.as_str(), reply.model.as_str(), reply.steps), (STORY, "small", 1));
    assert_eq!(reply.messages, [1]);
    let paid: u64 = world.provider.calls().iter().filter_map(|call| call.cost).sum();
    assert!(reply.cost.0 == paid && paid > 0 && reply.usage.output > 0, "{reply:?}");
    assert_eq!(world.talk(session).await, ["user: Tell me a story.", &format!("assistant: {STORY}")]);
    let [(model, messages)] = &world.asked()[..] else { panic!("{:?}", world.asked()) };
    assert!(model == "small" && messages[0].starts_with("system: ") && messages[1] == "user: Tell me a story.");
    worker.stop().await;
}

pub async fn messages_are_answered_in_their_order(place: Place) {
    let world = World::new(place, json!({})).await;
    let session = world.open(Busy::Enqueue).await;
    let turns = ["one", "two", "three"].map(|text| turn(session, text)).to_vec();
    let jobs: Vec<_> = world.post(turns).await;
    let workers = [world.start(), world.start()];
    for posted in jobs {
        let Posted::Accepted { job, .. } = posted else { panic!("{posted:?}") };
        world.agrees(session, job).await;
    }
    let talk = world.talk(session).await;
    let users: Vec<_> = talk.iter().step_by(2).map(String::as_str).collect();
    assert_eq!(users, ["user: one", "user: two", "user: three"]);
    assert!(talk.iter().skip(1).step_by(2).all(|said| said.starts_with("assistant: ")), "{talk:?}");
    // Each call has all that was said before.
    let lengths: Vec<usize> = world.asked().iter().map(|(_, messages)| messages.len()).collect();
    assert_eq!(lengths, [2, 4, 6]);
    for worker in workers {
        worker.stop().await;
    }
}

pub async fn messages_that_wait_are_answered_together(place: Place) {
    let world = World::new(place, stalls()).await;
    let worker = world.start();
    let session = world.open(Busy::Coalesce).await;
    let first = world.say(session, "one").await;
    world.heard(first, "Once").await;
    let (second, third) = (world.say(session, "two").await, world.say(session, "three").await);
    world.provider.release();
    world.agrees(session, first).await;
    let reply = world.agrees(session, second).await;
    assert_eq!(reply.messages, [2, 3]);
    let joined = world.reply(third).await;
    assert_eq!((joined.joined, joined.text.as_str()), (Some(second), ""));
    let asked = world.asked();
    assert_eq!(asked.len(), 2, "three messages, two turns");
    assert_eq!(asked[1].1[3..], ["user: two", "user: three"]);
    worker.stop().await;
}

pub async fn an_interrupted_answer_is_kept_as_partial(place: Place) {
    let world = World::new(place, stalls()).await;
    let worker = world.start();
    let session = world.open(Busy::Interrupt).await;
    let first = world.say(session, "one").await;
    world.heard(first, "Once").await;
    let second = world.say(session, "two").await;
    assert_eq!(world.ended(first).await.state, JobState::Cancelled);
    world.agrees(session, second).await;
    let talk = world.talk(session).await;
    let heard = reader::answer(&*world.store, first).await;
    assert!(STORY.starts_with(&heard) && heard.len() < STORY.len(), "{heard}");
    assert_eq!(talk[..3], ["user: one".to_owned(), format!("assistant (partial): {heard}"), "user: two".to_owned()]);
    assert!(talk.len() == 4 && talk[3].starts_with("assistant: "));
    let asked = world.asked();
    assert_eq!(asked[1].1[2], format!("assistant: {heard}\n[interrupted]"));
    worker.stop().await;
}

pub async fn a_busy_session_refuses_and_nothing_is_asked(place: Place) {
    let world = World::new(place, stalls()).await;
    let worker = world.start();
    let session = world.open(Busy::Reject).await;
    let first = world.say(session, "one").await;
    world.heard(first, "Once").await;
    assert_eq!(world.post(vec![turn(session, "two")]).await, [Posted::Busy(first)]);
    world.provider.release();
    world.agrees(session, first).await;
    assert_eq!((world.asked().len(), world.talk(session).await.len()), (1, 2));
    worker.stop().await;
}

pub async fn a_call_that_is_cut_off_is_said_anew(place: Place) {
    let cut = json!({ "text": STORY, "tokens_per_second": 100, "cut": { "after": 6, "how": "fin" } });
    let script = json!({ "rules": [{ "when": { "call": 1 }, "then": cut }, { "then": { "text": "Another one." } }] });
    let world = World::new(place, script).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let job = world.say(session, "Tell me a story.").await;
    assert_eq!(world.agrees(session, job).await.text, "Another one.");
    let events: Vec<LiveEvent> =
        reader::events(&*world.store, job).await.into_iter().map(|numbered| numbered.event).collect();
    assert!(matches!(&events[0], LiveEvent::Text { step: 1, attempt: 1, .. }), "{events:?}");
    assert!(events.contains(&LiveEvent::Reset { step: 1, attempt: 2 }), "{events:?}");
    assert_eq!(world.asked().len(), 2);
    worker.stop().await;
}

pub async fn a_chosen_model_answers_or_a_note_says_why_not(place: Place) {
    let world = World::new(place, json!({})).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let with = |text: &str, model: &str| ChatTurn { model: Some(model.to_owned()), ..turn(session, text) };
    let posted = world.post(vec![with("one", "large"), with("two", "huge")]).await;
    let mut replies = Vec::new();
    for posted in posted {
        let Posted::Accepted { job, .. } = posted else { panic!("{posted:?}") };
        replies.push(world.agrees(session, job).await);
    }
    assert_eq!((replies[0].model.as_str(), replies[0].notes.len()), ("large", 0));
    assert_eq!(replies[1].model, "small");
    assert!(replies[1].notes[0].contains("`huge` is no route or model"), "{:?}", replies[1].notes);
    // Where it is known at submit, it is an error there.
    let check =
        |model: &str| world.registry(&world.store).check(&NewJob::of(&with("x", model)).unwrap()).unwrap().map(drop);
    assert!(check("large").is_ok() && check("chat").is_ok());
    let refused = check("huge").unwrap_err();
    assert!(refused.field == "payload.model" && refused.message.contains("small"), "{refused}");
    worker.stop().await;
}

pub async fn a_turn_without_a_message_says_so(place: Place) {
    let world = World::new(place, json!({})).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let job = Submission::new(NewJob::of(&turn(session, "one")).unwrap(), ChatTurn::defaults()).unwrap();
    let id = world.store.enqueue(vec![job]).await.unwrap()[0].id;
    let job = world.ended(id).await;
    let error = job.error.unwrap();
    assert!(error.code == "no_session" && error.message.contains("/v1/chat"), "{error}");
    worker.stop().await;
}

pub async fn a_quiet_turn_says_nothing(place: Place) {
    let world = World::new(place, json!({ "rules": [{ "then": { "text": STORY } }] })).await;
    let worker = world.start();
    let session = world.open(Busy::Enqueue).await;
    let quiet = ChatTurn { stream: false, ..turn(session, "one") };
    let Posted::Accepted { job, .. } = world.post(vec![quiet]).await[0] else { panic!() };
    assert_eq!(world.reply(job).await.text, STORY);
    assert!(reader::events(&*world.store, job).await.is_empty());
    assert_eq!(world.talk(session).await.len(), 2);
    worker.stop().await;
}
