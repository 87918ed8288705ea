//! The job: one conversation of an agent, by the way that all agents go.

use super::heard::{Heard, Told};
use crate::{
    agents::{Agents, Halt, JobRef, Said, Toolbox},
    bench::QUEUE,
    context::Context,
    handlers::Choir,
    registry::Handler,
    store::LiveEvent,
};
use async_trait::async_trait;
use flotilla_jobs::{Job, Options, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::mpsc, time::Instant};

/// The agent's name.
pub(super) const AGENT: &str = "bench-stream";
/// The part of it that is asked, and its thread.
const PART: &str = "tell";
const THREAD: u32 = 1;

/// Asks for a story.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Talk {
    /// Which one it is.
    pub n: u64,
}

impl Job for Talk {
    const KIND: &'static str = "bench-stream";
    type Output = ();

    fn defaults() -> Options {
        Options { queue: Some(QUEUE.to_owned()), ..Options::default() }
    }
}

/// Has the conversations.
pub(super) struct Talker {
    pub agents: Agents,
    pub tell: mpsc::UnboundedSender<Told>,
    pub choir: Choir,
}

#[async_trait]
impl Handler<Talk> for Talker {
    async fn run(&self, job: Talk, cx: &Context) -> anyhow::Result<Outcome<()>> {
        let _ = self.tell.send(Told::Started { n: job.n, at: Instant::now() });
        let (heard, aloud) = (Arc::new(Mutex::new(Heard::default())), Arc::new(self.choir.join()));
        let ears = (Arc::clone(&heard), Arc::clone(&aloud), self.tell.clone());
        let say = move |said: Said| {
            let (heard, aloud, tell) = &ears;
            if let Said::Text { text, .. } = &said
                && lock(heard).word(text)
            {
                let _ = tell.send(Told::First);
            }
            aloud.hear(&said);
        };
        let reference = JobRef {
            lease: cx.lease.clone(),
            tenant: cx.tenant().to_owned(),
            session: None,
            cancelled: cx.cancelled().clone(),
            stopping: cx.stopping().clone(),
            say: Arc::new(say),
        };
        let result = aloud.during(cx, &|| (), self.talk(reference, job.n)).await;
        let mut heard = *lock(&heard);
        heard.whole = result.is_ok();
        // One that was put off comes again.
        if !matches!(result, Err(Halt::Snooze { .. })) {
            let _ = self.tell.send(Told::Ended { n: job.n, heard });
        }
        Ok(result.map_or_else(Halt::outcome, Outcome::Done))
    }
}

impl Talker {
    async fn talk(&self, job: JobRef, n: u64) -> Result<(), Halt> {
        let run = self.agents.open(job, AGENT, &n).await?;
        let result = run.converse(THREAD, PART, &json!({ "n": n }), &Toolbox::default()).await;
        run.ended(result.as_ref().err());
        result.map(drop)
    }
}

/// Bytes of text in a piece of live output.
pub(super) fn said(event: &LiveEvent) -> u64 {
    match event {
        LiveEvent::Output { text } | LiveEvent::Text { text, .. } => text.len() as u64,
        LiveEvent::Progress(_) | LiveEvent::Reset { .. } | LiveEvent::Cut => 0,
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
