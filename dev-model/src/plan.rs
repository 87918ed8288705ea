//! An answer as steps: what is written when, and how it goes wrong.

use crate::{
    record::Outcome,
    script::{Failure, How, Quirk, Stall, Then},
    wire::{Envelope, Frame, Wire},
};
use serde_json::Value;
use std::time::Duration;

/// An event that is no JSON.
const GARBAGE: &str = "{\"scripted\": \"garbage";
/// What a connection says to be kept open, where the wire has no ping.
const KEEP_ALIVE: &str = "keep-alive";
/// Between events, where comments are wanted.
const COMMENT: &str = "scripted";
/// Most signs of life in one silence.
const MAX_KEEP_ALIVES: u128 = 10_000;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing happens for so long.
    Wait(Duration),
    /// The same, unless the test ends it.
    Stall(Duration),
    /// The next piece of what is said is due.
    Pace,
    Send(Vec<u8>),
    /// The call has ended for its record, whatever still follows.
    Mark(Outcome),
    Cut(How),
}

/// The steps of a streamed answer.
pub(crate) fn streamed(wire: Wire, envelope: Envelope<'_>, frames: &[Frame], first_token_ms: u64) -> Vec<Step> {
    let then = envelope.then;
    let mut plan = Plan::new(wire, then);
    let mut pieces = 0;
    for (n, frame) in frames.iter().enumerate() {
        let last = frame.stop || frame.end;
        if pieces == 0 && (frame.piece || last) && !plan.waited {
            plan.waited = true;
            plan.silence(Duration::from_millis(first_token_ms), Step::Wait);
        }
        if frame.piece || last {
            let due = |after: usize| after == pieces || (last && after > pieces);
            if plan.garbage.take_if(|after| due(*after)).is_some() {
                plan.send(&Frame { data: GARBAGE.to_owned(), ..Frame::data(&Value::Null) });
            }
            if let Some(stall) = plan.stall.take_if(|stall| due(stall.after)) {
                plan.silence(Duration::from_millis(stall.ms), Step::Stall);
            }
            if let Some(cut) = then.cut.filter(|cut| due(cut.after)) {
                plan.cut(cut.how, frame);
                return plan.steps;
            }
            if let Some(midway) = then.midway.as_ref().filter(|midway| due(midway.after)) {
                let failure = Failure { kind: midway.kind, message: midway.message.clone(), ..Failure::default() };
                plan.steps.push(Step::Mark(Outcome::Failed(200)));
                plan.send(&wire.midway(envelope, &failure, n));
                return plan.steps;
            }
        }
        if (frame.end && then.has(Quirk::MissingEnd)) || (frame.stop && then.has(Quirk::MissingStop)) {
            continue;
        }
        if frame.piece {
            plan.steps.push(Step::Pace);
            pieces += 1;
        }
        plan.send(frame);
        if n == 0 {
            (0..then.pings).for_each(|_| plan.sign_of_life());
        }
    }
    plan.steps
}

/// The steps of an answer that is one body.
pub(crate) fn whole(then: &Then, mut body: Vec<u8>) -> Vec<Step> {
    if then.garbage_after.is_some() || then.cut.is_some() {
        body.truncate(body.len() / 2);
    }
    let mut steps = vec![Step::Send(body)];
    steps.extend(then.cut.iter().flat_map(|cut| [Step::Mark(Outcome::Cut), Step::Cut(cut.how)]));
    steps
}

struct Plan<'a> {
    wire: Wire,
    then: &'a Then,
    steps: Vec<Step>,
    /// Whether the silence before the first token is behind.
    waited: bool,
    garbage: Option<usize>,
    stall: Option<Stall>,
}

impl<'a> Plan<'a> {
    fn new(wire: Wire, then: &'a Then) -> Self {
        Self { wire, then, steps: Vec::new(), waited: false, garbage: then.garbage_after, stall: then.stall }
    }

    fn eol(&self) -> &'static str {
        if self.then.has(Quirk::Crlf) { "\r\n" } else { "\n" }
    }

    fn comment(&mut self, text: &str) {
        let eol = self.eol();
        self.steps.push(Step::Send(format!(": {text}{eol}{eol}").into_bytes()));
    }

    fn send(&mut self, frame: &Frame) {
        if self.then.has(Quirk::Comments) {
            self.comment(COMMENT);
        }
        self.steps.push(Step::Send(frame.bytes(self.eol())));
    }

    fn sign_of_life(&mut self) {
        match self.wire.ping() {
            Some(ping) => self.steps.push(Step::Send(ping.bytes(self.eol()))),
            None => self.comment(KEEP_ALIVE),
        }
    }

    /// Silence, with signs of life in between where they are wanted.
    fn silence(&mut self, mut time: Duration, step: fn(Duration) -> Step) {
        if time.is_zero() {
            return;
        }
        let every = Duration::from_millis(self.then.keep_alive_ms);
        if !every.is_zero() && time.as_millis() / every.as_millis() <= MAX_KEEP_ALIVES {
            while time > every {
                self.steps.push(step(every));
                self.sign_of_life();
                time -= every;
            }
        }
        self.steps.push(step(time));
    }

    /// The end, in the middle of this event unless it is to look whole.
    fn cut(&mut self, how: How, frame: &Frame) {
        if how != How::End {
            let bytes = frame.bytes(self.eol());
            self.steps.push(Step::Send(bytes[..bytes.len() / 2].to_vec()));
        }
        self.steps.push(Step::Mark(Outcome::Cut));
        self.steps.push(Step::Cut(how));
    }
}
