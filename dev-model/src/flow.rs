//! Plays the steps of a streamed answer as the body of a response.

use crate::{call::Call, connection::Reset, plan::Step, record::Outcome, script::How};
use axum::body::{Body, Bytes};
use futures_util::stream;
use std::{collections::VecDeque, io, time::Duration};
use tokio::{
    task::yield_now,
    time::{Instant, sleep, sleep_until},
};

/// Who is later than this behind the speed of speech does not hurry to make up for it.
const LATE: Duration = Duration::from_millis(100);

/// A body that is said step by step.
pub(crate) struct Flow {
    call: Call,
    steps: VecDeque<Step>,
    /// Between two pieces; `None` for at once.
    pace: Option<Duration>,
    /// Bytes written at once; 0 for whole events.
    split: usize,
    reset: Reset,
    /// When the last piece was.
    due: Option<Instant>,
    pending: VecDeque<Bytes>,
}

impl Flow {
    pub fn new(call: Call, steps: Vec<Step>, pace: Option<Duration>, split: usize, reset: Reset) -> Self {
        Self { call, steps: steps.into(), pace, split, reset, due: None, pending: VecDeque::new() }
    }

    pub fn body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut flow| async move { Some((flow.next().await?, flow)) }))
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(bytes) = self.pending.pop_front() {
                if self.pending.is_empty() && self.steps.is_empty() {
                    self.ends();
                }
                if self.split > 0 {
                    // What was handed over before goes out by itself.
                    yield_now().await;
                }
                return Some(Ok(bytes));
            }
            match self.steps.pop_front() {
                None => {
                    self.ends();
                    return None;
                }
                Some(Step::Wait(time)) => sleep(time).await,
                Some(Step::Stall(time)) => stall(&self.call, time).await,
                Some(Step::Pace) => self.pace().await,
                Some(Step::Send(bytes)) => self.hand_over(bytes),
                Some(Step::Mark(outcome)) => self.call.end(outcome),
                Some(Step::Cut(how)) => {
                    yield_now().await;
                    if how == How::End {
                        return None;
                    }
                    if how == How::Reset {
                        self.reset.order();
                    }
                    self.steps.clear();
                    return Some(Err(io::Error::other("cut by the script")));
                }
            }
        }
    }

    fn ends(&mut self) {
        if !self.call.has_ended() {
            self.call.says_all();
            self.call.end(Outcome::Answered);
        }
    }

    fn hand_over(&mut self, bytes: Vec<u8>) {
        if self.split == 0 {
            self.pending.push_back(bytes.into());
        } else {
            self.pending.extend(bytes.chunks(self.split).map(Bytes::copy_from_slice));
        }
    }

    /// Waits for the next piece to be due, without drifting.
    async fn pace(&mut self) {
        if let Some(pace) = self.pace {
            let now = Instant::now();
            let due = self.due.map_or(now, |due| due + pace);
            self.due = Some(if now > due + LATE { now } else { due });
            sleep_until(due).await;
        }
        self.call.says(1);
    }
}

/// Silence that the test may end.
pub(crate) async fn stall(call: &Call, time: Duration) {
    let mut released = call.shared.releases();
    tokio::select! {
        () = sleep(time) => {}
        _ = released.changed() => {}
    }
}
