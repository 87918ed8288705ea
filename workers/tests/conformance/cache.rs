//! What is kept to be found again: as long as it lasts, within its bounds, and by nobody else.

use crate::{
    fixture::{Fixture, HOUR, MINUTE, SECOND},
    paid::{FIRST, end, running, started},
};
use flotilla_jobs::{Busy, MicroUsd, SessionId, api::SpendQuery};
use flotilla_workers::{
    cache::{Bounds, CacheName, Group, Keep, MAX_DROPPED, MAX_VALUE, Sort, name_of_context},
    journal::{EndStep, StepKey},
    ledger::Hold,
    sessions::NewSession,
    store::{Error, Store},
};

const PLENTY: Bounds = Bounds { entries: 1_000, bytes: 1 << 20 };

fn name(tenant: &str, key: u8) -> CacheName {
    CacheName { sort: Sort::Answers, group: Group::of(&[tenant, "agent"]), key: [key; 32] }
}

fn keep(name: CacheName, value: &str, most: Bounds) -> Keep {
    Keep { name, value: value.as_bytes().to_vec(), lasts: HOUR, most }
}

async fn found(store: &dyn Store, name: CacheName) -> Option<String> {
    let value = store.cached(&name).await.unwrap();
    value.map(|value| String::from_utf8(value).unwrap())
}

/// Which of the first keys are there.
async fn there(f: &impl Fixture, upto: u8) -> Vec<u8> {
    let mut there = Vec::new();
    for key in 0..upto {
        if found(f.store(), name("acme", key)).await.is_some() {
            there.push(key);
        }
    }
    there
}

pub async fn what_is_kept_is_found_again(f: &impl Fixture) {
    let one = name("acme", 1);
    assert_eq!(found(f.store(), one).await, None);
    let value = "é|13\u{0}\n";
    assert!(f.store().keep(keep(one, value, PLENTY)).await.unwrap());
    assert_eq!(found(f.store(), one).await.as_deref(), Some(value));
    let other = f.second_store().await;
    assert_eq!(found(&*other, one).await.as_deref(), Some(value), "another process finds the same");
    assert!(other.keep(keep(one, "", PLENTY)).await.unwrap());
    assert_eq!(found(f.store(), one).await.as_deref(), Some(""), "the later one stays");
    let bytes: Vec<u8> = (0..=255).collect();
    assert!(f.store().keep(Keep { value: bytes.clone(), ..keep(one, "", PLENTY) }).await.unwrap());
    assert_eq!(f.store().cached(&one).await.unwrap(), Some(bytes));
}

pub async fn nobody_else_finds_it(f: &impl Fixture) {
    let one = name("acme", 1);
    f.store().keep(keep(one, "a", PLENTY)).await.unwrap();
    for other in [name("evil", 1), name("acme", 2), CacheName { sort: Sort::Contexts, ..one }] {
        assert_eq!(found(f.store(), other).await, None, "{other:?}");
    }
    assert_ne!(Group::of(&["ab", "c"]), Group::of(&["a", "bc"]));
}

pub async fn it_lasts_as_long_as_asked_for(f: &impl Fixture) {
    let (one, two) = (name("acme", 1), name("acme", 2));
    f.store().keep(keep(one, "a", PLENTY)).await.unwrap();
    f.store().keep(Keep { lasts: 2 * HOUR, ..keep(two, "b", PLENTY) }).await.unwrap();
    f.advance_clock(HOUR - SECOND);
    assert!(found(f.store(), one).await.is_some());
    f.advance_clock(SECOND);
    assert_eq!((found(f.store(), one).await, found(f.store(), two).await.as_deref()), (None, Some("b")));
    f.store().keep(keep(one, "c", PLENTY)).await.unwrap();
    f.advance_clock(MINUTE);
    assert_eq!(found(f.store(), one).await.as_deref(), Some("c"), "it begins anew");
}

pub async fn the_oldest_go_where_there_are_too_many(f: &impl Fixture) {
    let most = Bounds { entries: 3, ..PLENTY };
    for key in 0..5 {
        assert!(f.store().keep(keep(name("acme", key), "a", most)).await.unwrap());
    }
    assert_eq!(there(f, 5).await, [2, 3, 4]);
    f.store().keep(keep(name("acme", 2), "b", most)).await.unwrap();
    f.store().keep(keep(name("acme", 0), "a", most)).await.unwrap();
    assert_eq!(there(f, 5).await, [0, 2, 4], "what is kept again is new");
    let other = CacheName { sort: Sort::Contexts, ..name("acme", 9) };
    f.store().keep(keep(other, "a", Bounds { entries: 1, ..PLENTY })).await.unwrap();
    assert_eq!(there(f, 5).await, [0, 2, 4], "each sort has its own bounds");
    f.store().keep(keep(name("acme", 1), "a", Bounds { entries: 1, ..PLENTY })).await.unwrap();
    assert_eq!(there(f, 5).await, [1], "bounds may become smaller");
    assert!(!f.store().keep(keep(name("acme", 1), "a", Bounds { entries: 0, ..PLENTY })).await.unwrap());
    assert_eq!(there(f, 5).await, [0; 0], "none is none");
}

pub async fn the_oldest_go_where_they_are_too_large(f: &impl Fixture) {
    let most = Bounds { bytes: 100, ..PLENTY };
    for (key, size) in [(0, 40), (1, 40), (2, 20), (3, 1)] {
        assert!(f.store().keep(keep(name("acme", key), &"x".repeat(size), most)).await.unwrap());
    }
    assert_eq!(there(f, 4).await, [1, 2, 3]);
    f.store().keep(keep(name("acme", 3), &"x".repeat(40), most)).await.unwrap();
    assert_eq!(there(f, 4).await, [1, 2, 3], "what it takes the place of makes room");
    assert!(!f.store().keep(keep(name("acme", 0), &"x".repeat(101), most)).await.unwrap());
    assert_eq!(there(f, 4).await, [1, 2, 3], "what finds no room takes none");
    f.store().keep(keep(name("acme", 0), &"x".repeat(100), most)).await.unwrap();
    assert_eq!(there(f, 4).await, [0]);
    f.advance_clock(HOUR);
    for key in 1..3 {
        f.store().keep(keep(name("acme", key), &"x".repeat(50), most)).await.unwrap();
    }
    assert_eq!(there(f, 4).await, [1, 2], "what is over takes no room");
    let long = Keep { value: vec![0; MAX_VALUE + 1], ..keep(name("acme", 1), "", PLENTY) };
    assert!(matches!(f.store().keep(long).await, Err(Error::Invalid(_))));
}

pub async fn a_group_is_dropped_by_itself(f: &impl Fixture) {
    let (acme, evil) = (Group::of(&["acme", "agent"]), Group::of(&["evil", "agent"]));
    for key in 0..3 {
        f.store().keep(keep(name("acme", key), "a", PLENTY)).await.unwrap();
        f.store().keep(keep(name("evil", key), "a", PLENTY)).await.unwrap();
    }
    assert_eq!(f.store().drop_cached(Sort::Contexts, None).await.unwrap(), 0);
    assert_eq!(f.store().drop_cached(Sort::Answers, Some(acme)).await.unwrap(), 3);
    assert_eq!(f.store().drop_cached(Sort::Answers, Some(acme)).await.unwrap(), 0);
    assert_eq!(there(f, 3).await, [0; 0]);
    assert!(found(f.store(), name("evil", 2)).await.is_some());
    assert_eq!(f.store().drop_cached(Sort::Answers, None).await.unwrap(), 3);
    assert_eq!(f.store().drop_cached(Sort::Answers, Some(evil)).await.unwrap(), 0);
    // All of its room is free.
    let most = Bounds { entries: 1_000, bytes: 10 };
    assert!(f.store().keep(keep(name("acme", 7), &"x".repeat(10), most)).await.unwrap());
}

pub async fn what_is_kept_of_a_session_goes_with_it(f: &impl Fixture) {
    let open = |id| NewSession { id, tenant: "acme".to_owned(), title: None, busy: Busy::Enqueue };
    let (one, two) = (SessionId::new(), SessionId::new());
    let mut names = Vec::new();
    for id in [one, two] {
        let session = f.store().open_session(open(id)).await.unwrap();
        names.push(name_of_context(&session));
        f.store().keep(keep(names[names.len() - 1], "what was said", PLENTY)).await.unwrap();
    }
    assert!(f.store().delete_session(one).await.unwrap());
    assert_eq!((found(f.store(), names[0]).await, found(f.store(), names[1]).await.is_some()), (None, true));
    f.advance_clock(SECOND);
    let again = f.store().open_session(open(one)).await.unwrap();
    assert_ne!(name_of_context(&again), names[0], "another session, whatever its id is");
}

pub async fn many_are_dropped_step_by_step(f: &impl Fixture) {
    let (group, many) = (Group::of(&["acme"]), MAX_DROPPED + 20);
    for n in 0..many {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_be_bytes());
        let name = CacheName { sort: Sort::Answers, group, key };
        f.store().keep(keep(name, "a", PLENTY)).await.unwrap();
    }
    assert_eq!(f.store().drop_cached(Sort::Answers, Some(group)).await.unwrap(), MAX_DROPPED);
    assert_eq!(f.store().drop_cached(Sort::Answers, Some(group)).await.unwrap(), 20);
}

pub async fn many_at_once_stay_within_the_bounds(f: &impl Fixture) {
    let most = Bounds { entries: 5, bytes: 60 };
    let keeping = (0..8u8).map(|task| {
        let store = f.shared_store();
        tokio::spawn(async move {
            for n in 0..10u8 {
                let one = keep(name("acme", task * 10 + n), &"x".repeat(1 + usize::from(n)), most);
                assert!(store.keep(one).await.unwrap());
            }
        })
    });
    for task in keeping.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let there = there(f, 80).await;
    let bytes: usize = there.iter().map(|key| 1 + usize::from(key % 10)).sum();
    assert!(!there.is_empty() && there.len() <= 5 && bytes <= 60, "{there:?}");
}

pub async fn a_queue_that_forgets_all_has_room_again(f: &impl Fixture) {
    let most = Bounds { entries: 2, bytes: 10 };
    f.store().keep(keep(name("acme", 1), "0123456789", most)).await.unwrap();
    f.lose_queue().await;
    assert!(f.store().keep(keep(name("acme", 2), "0123456789", most)).await.unwrap());
    assert_eq!(there(f, 3).await, [2]);
}

pub async fn an_answer_from_the_cache_is_on_record_and_free(f: &impl Fixture) {
    let run = running(f).await;
    // A call that is paid, and an answer that is not.
    started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, 1, "1", 40)).await;
    let again = StepKey { thread: 0, seq: 1 };
    let mut begin = run.llm(again, 0, &[]);
    let call = begin.call.as_mut().unwrap();
    (call.hold, call.saved) = (Hold::default(), Some(MicroUsd(40)));
    started(f, begin).await;
    end(f, EndStep { usage: None, ..run.done(again, 1, "1", 0) }).await;

    let row = f.store().spend(&SpendQuery::default()).await.unwrap().remove(0);
    assert_eq!((row.calls, row.cost, row.unknown, row.lost), (1, MicroUsd(40), 0, 0), "{row:?}");
    assert_eq!((row.cached, row.saved, row.estimated), (1, MicroUsd(40), 0), "{row:?}");
    let trail = f.store().trail(run.claimed.id(), None, 10).await.unwrap();
    let shown: Vec<_> = trail.iter().map(|step| (step.cached, step.saved, step.kept)).collect();
    assert_eq!(shown, [(false, None, true), (true, Some(MicroUsd(40)), true)]);
    let calls: Vec<_> = f.store().runs(run.claimed.id()).await.unwrap().remove(0).steps;
    assert_eq!(calls[1].calls[0].saved, Some(MicroUsd(40)));
    let steps = f.store().steps(run.run, None, 10).await.unwrap();
    assert_eq!(steps.len(), 2, "a run that goes on finds it there");
    let opened = crate::paid::open(f.store(), &run.claimed).await.unwrap();
    assert_eq!((opened.spent.calls, opened.spent.cost, opened.spent.unsaid_tokens), (1, MicroUsd(40), 0));
}
