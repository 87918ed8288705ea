//! What readers put together is what is on record, whatever was said before and whoever died in between.

use super::*;
use proptest::prelude::*;

/// As the decided rule has it: of each step the text of its last attempt; a reset voids a step and those after it.
fn put_together(events: &[LiveEvent]) -> BTreeMap<u32, String> {
    let mut steps: BTreeMap<u32, (u32, String)> = BTreeMap::new();
    for event in events {
        match event {
            LiveEvent::Text { step, attempt, text } => {
                let (last, all) = steps.entry(*step).or_default();
                if last != attempt {
                    (*last, *all) = (*attempt, String::new());
                }
                all.push_str(text);
            }
            LiveEvent::Reset { step, .. } => drop(steps.split_off(step)),
            _ => {}
        }
    }
    steps.into_iter().map(|(step, (_, text))| (step, text)).collect()
}

fn event(piece: Piece) -> LiveEvent {
    match piece {
        Piece::Text { step, attempt, text } => LiveEvent::Text { step, attempt, text },
        Piece::Reset { step, attempt } => LiveEvent::Reset { step, attempt },
        Piece::Cut => LiveEvent::Cut,
    }
}

/// Says all that waits.
fn drain(lines: &mut Lines, said: &mut Vec<LiveEvent>) {
    while let Some(piece) = lines.next() {
        said.push(event(piece));
        lines.said();
    }
}

fn text(step: u32, attempt: u32, text: &str) -> Piece {
    Piece::Text { step, attempt, text: text.to_owned() }
}

#[test]
fn words_are_gathered_by_call() {
    let mut lines = Lines::default();
    lines.hear(1, 1, "one ");
    lines.hear(1, 1, "two");
    assert_eq!(lines.unfinished(), "one two");
    assert_eq!(lines.next(), Some(text(1, 1, "one two")));
    // More comes while that is on its way: nothing is lost or said twice.
    lines.hear(1, 1, " three");
    assert_eq!(lines.next(), Some(text(1, 1, "one two")));
    lines.said();
    assert_eq!(lines.next(), Some(text(1, 1, " three")));
    lines.said();
    lines.noted(1, "one two three");
    assert_eq!((lines.next(), lines.unfinished()), (None, String::new()));
    lines.hear(2, 1, "four");
    assert_eq!(lines.next(), Some(text(2, 1, "four")));
}

#[test]
fn a_reset_is_said_only_where_something_was() {
    let mut lines = Lines::default();
    lines.again(1, 2);
    assert_eq!(lines.next(), None);
    lines.hear(1, 2, "never said");
    lines.again(1, 3);
    assert_eq!(lines.next(), None, "nobody heard it");
    lines.hear(1, 3, "said");
    assert_eq!(lines.next(), Some(text(1, 3, "said")));
    lines.again(1, 4);
    lines.said();
    assert_eq!(lines.next(), Some(Piece::Reset { step: 1, attempt: 4 }));
    lines.said();
    assert_eq!(lines.next(), None);
}

#[test]
fn a_long_piece_is_split_and_a_longer_stream_cut() {
    let mut lines = Lines::default();
    lines.hear(1, 1, &"é".repeat(Context::MAX_OUTPUT_BYTES));
    let mut said = Vec::new();
    drain(&mut lines, &mut said);
    assert!(said.len() >= 2, "{}", said.len());
    assert_eq!(put_together(&said)[&1].chars().count(), Context::MAX_OUTPUT_BYTES);
    let long = "x".repeat(MAX_SAID);
    lines.hear(1, 1, &long);
    lines.hear(1, 1, "more");
    said.clear();
    drain(&mut lines, &mut said);
    assert_eq!(said, [LiveEvent::Cut]);
    assert!(lines.unfinished().ends_with("more"), "what is kept is whole");
}

#[test]
fn what_is_muted_is_remembered() {
    let mut lines = Lines::default();
    lines.mute(true);
    lines.hear(1, 1, "quiet");
    assert_eq!((lines.next(), lines.unfinished()), (None, "quiet".to_owned()));
}

#[test]
fn who_goes_on_says_what_is_missing() {
    let past = |lines: &mut Lines| {
        lines.recall(LiveEvent::Text { step: 1, attempt: 1, text: "one tw".to_owned() });
    };
    let mut lines = Lines::default();
    past(&mut lines);
    assert_eq!(lines.unfinished(), "one tw");
    lines.noted(1, "one two");
    assert_eq!(lines.next(), Some(text(1, 1, "o")));
    let mut lines = Lines::default();
    past(&mut lines);
    lines.noted(1, "another");
    assert_eq!(lines.next(), Some(Piece::Reset { step: 1, attempt: 2 }));
    lines.said();
    assert_eq!(lines.next(), Some(text(1, 2, "another")));
    let mut lines = Lines::default();
    past(&mut lines);
    lines.hear(1, 2, "anew");
    assert_eq!(lines.next(), Some(Piece::Reset { step: 1, attempt: 2 }));
}

/// What happens to a turn.
#[derive(Clone, Debug)]
enum Event {
    /// The model says something of the step it is at.
    Word(String),
    /// The call is cut off and made again.
    Again,
    /// The step is on record.
    Done,
    /// Some pieces are said.
    Say(usize),
    /// The worker dies; the next one knows what is on record and what was said.
    Crash,
    /// The step is put on record by a worker that dies before it says the rest.
    DoneAndCrash,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = prop_oneof![
        4 => "[a-c]{1,3}".prop_map(Event::Word),
        1 => Just(Event::Again),
        2 => Just(Event::Done),
        3 => (0..3_usize).prop_map(Event::Say),
        1 => Just(Event::Crash),
        1 => Just(Event::DoneAndCrash),
    ];
    proptest::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn readers_end_with_what_is_on_record(events in events()) {
        let (mut lines, mut said, mut record) = (Lines::default(), Vec::new(), Vec::<String>::new());
        let (mut attempt, mut current) = (1, String::new());
        for event_ in events {
            let step = record.len() as u32 + 1;
            match event_ {
                Event::Word(word) => {
                    lines.hear(step, attempt, &word);
                    current.push_str(&word);
                }
                Event::Again => {
                    attempt += 1;
                    current.clear();
                    lines.again(step, attempt);
                }
                Event::Done | Event::DoneAndCrash if current.is_empty() => {}
                Event::Done => {
                    lines.noted(step, &current);
                    record.push(mem::take(&mut current));
                    attempt = 1;
                }
                Event::Say(n) => for _ in 0..n {
                    if let Some(piece) = lines.next() {
                        said.push(event(piece));
                        lines.said();
                    }
                },
                Event::Crash | Event::DoneAndCrash => {
                    if matches!(event_, Event::DoneAndCrash) {
                        record.push(mem::take(&mut current));
                        attempt = 1;
                    } else if !current.is_empty() {
                        attempt += 1;
                    }
                    current.clear();
                    lines = Lines::default();
                    said.iter().cloned().for_each(|event| lines.recall(event));
                    for (n, text) in record.iter().enumerate() {
                        lines.noted(n as u32 + 1, text);
                    }
                    if attempt > 1 {
                        lines.again(record.len() as u32 + 1, attempt);
                    }
                }
            }
        }
        drain(&mut lines, &mut said);
        let mut expected: BTreeMap<u32, String> =
            record.iter().enumerate().map(|(n, text)| (n as u32 + 1, text.clone())).collect();
        if !current.is_empty() {
            expected.insert(record.len() as u32 + 1, current);
        }
        prop_assert_eq!(put_together(&said), expected);
    }
}
