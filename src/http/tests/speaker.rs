//! Answers chats as an agent would, in words that the message asks for: `WORDS`, or `fail`, `wait` (for a permit after the
//! first word) and `again` (says half of it, voids that, and says it anew) in front of them.

use async_trait::async_trait;
use flotilla_jobs::{
    EntryKind, Fault, Outcome,
    kinds::{ChatReply, ChatTurn},
};
use flotilla_workers::{
    context::Context,
    registry::Handler,
    sessions::{Left, NewEntry, Turn},
    store::Store,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

pub struct Speaker {
    pub store: Arc<dyn Store>,
    pub go: Arc<Semaphore>,
}

#[async_trait]
impl Handler<ChatTurn> for Speaker {
    async fn run(&self, turn: ChatTurn, cx: &Context) -> anyhow::Result<Outcome<ChatReply>> {
        let began = match self.store.begin_turn(cx.lease()).await? {
            Turn::Began(began) => *began,
            Turn::Joined(job) => return Ok(Outcome::Cancel(format!("part of the turn of job {job}"))),
            Turn::Wait(_) => return Ok(Outcome::Snooze(Duration::from_millis(50))),
            other => anyhow::bail!("no turn: {other:?}"),
        };
        let mut words = turn.message.split_whitespace().peekable();
        let order = words.next_if(|word| matches!(*word, "fail" | "wait" | "again")).unwrap_or_default();
        if order == "fail" {
            return Ok(Outcome::Fail(Fault::new("model", "the model said no")));
        }
        let mut said = String::new();
        let mut attempt = 1;
        for (n, word) in words.enumerate() {
            let piece = format!("{word} ");
            cx.text(1, attempt, &piece).await;
            said.push_str(&piece);
            cx.leave(left(began.session.id, &said, true))?;
            match order {
                "wait" if n == 0 => {
                    tokio::select! {
                        permit = self.go.acquire() => permit?.forget(),
                        () = cx.cancelled().cancelled() => return Ok(Outcome::Cancel("asked to".to_owned())),
                    }
                }
                "again" if n == 0 => {
                    attempt = 2;
                    cx.reset(1, attempt).await;
                    cx.text(1, attempt, &piece).await;
                }
                _ => {}
            }
        }
        for message in self.store.hear(cx.lease(), began.leaf).await?.unwrap_or_default() {
            let piece = format!("and {} ", message.id);
            cx.text(1, attempt, &piece).await;
            said.push_str(&piece);
        }
        cx.leave(left(began.session.id, &said, false))?;
        Ok(Outcome::Done(serde_json::from_value(json!({ "text": said, "model": "speaker" }))?))
    }
}

fn left(session: flotilla_jobs::SessionId, text: &str, partial: bool) -> Left {
    let content = serde_json::value::to_raw_value(&json!({ "text": text })).unwrap_or_default();
    Left { session, entries: vec![NewEntry { kind: EntryKind::Assistant, partial, content }] }
}
