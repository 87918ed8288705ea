//! A server of one run: started with the first call, started again where it is gone, and gone with the run.

use super::{Known, McpServer, Offered, link::Link, trouble::Trouble};
use crate::agents::tool::Arguments;
use rmcp::model::CallToolResult;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{sync::Semaphore, time::timeout};

/// How often it is started in one run: one that dies with each call is left alone at last.
const MAX_STARTS: u32 = 8;

pub(super) struct Server {
    name: String,
    pub settings: McpServer,
    known: Arc<Known>,
    /// Calls are made one after another.
    turn: Semaphore,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// While it runs, and no call is made.
    link: Option<Link>,
    starts: u32,
}

impl Server {
    pub fn new(name: String, settings: McpServer, known: Arc<Known>) -> Self {
        Self { name, settings, known, turn: Semaphore::new(1), held: Mutex::default() }
    }

    /// Calls one of its tools, once. Where this fails or is dropped the server is ended with all it started, unless it
    /// only said no.
    pub async fn call(&self, tool: &Offered, arguments: &Arguments) -> Result<CallToolResult, Trouble> {
        let _turn = self.turn.acquire().await.map_err(|_| Trouble::Over)?;
        let mut taken = self.take();
        let call = async {
            let mut link = match taken.take().filter(|link| !link.is_over()) {
                Some(link) => link,
                None => self.start().await?,
            };
            let answer = link.call(tool, arguments.clone()).await;
            Ok::<_, Trouble>((link, answer))
        };
        let limit = self.settings.timeout;
        let (link, answer) = timeout(limit, call).await.map_err(|_| Trouble::Late(limit.as_secs()))??;
        if let Err(Trouble::Gone | Trouble::Changed) = &answer {
            // Runs that begin now are told what there is now.
            self.known.forget(&self.name);
        }
        if answer.as_ref().err().is_none_or(Trouble::is_harmless) {
            self.held().link = Some(link);
        }
        answer
    }

    async fn start(&self) -> Result<Link, Trouble> {
        {
            let mut held = self.held();
            if held.starts >= MAX_STARTS {
                return Err(Trouble::Spent(MAX_STARTS));
            }
            held.starts += 1;
        }
        Link::open(&self.settings).await
    }

    fn take(&self) -> Option<Link> {
        self.held().link.take()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
