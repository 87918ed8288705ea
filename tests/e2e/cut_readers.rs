//! Answers of chats read through networks that fail, from two servers, while workers are killed: every reader ends with the
//! text on record.

use crate::{
    fleet::{Fleet, PATIENCE},
    models::{configure, provider},
    proxy::Proxy,
};
use flotilla_jobs::{
    JobEvent, JobState, SessionId,
    api::{ChatAnswer, ChatEvent, ChatNews, ChatRequest},
    client::{Client, Error},
};
use futures_util::future::join_all;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// Answers at once.
const ANSWERS: usize = 10;
/// Between two cuts.
const CUT_EVERY: Duration = Duration::from_secs(1);
/// Before a reader comes back.
const AGAIN: Duration = Duration::from_millis(50);

/// What a reader puts together, as the API says.
#[derive(Default)]
struct Reader {
    steps: BTreeMap<u32, (u32, String)>,
    last_seq: u64,
    last_id: Option<String>,
    connections: usize,
    end: Option<ChatAnswer>,
}

impl Reader {
    fn take(&mut self, event: ChatEvent) {
        let news = match event {
            ChatEvent::Chat(ChatNews::Answer(end) | ChatNews::Error(end)) => return self.end = Some(end),
            ChatEvent::Chat(_) => return,
            ChatEvent::Job(news) => news,
        };
        if let Some(seq) = news.seq() {
            assert_eq!(seq, self.last_seq + 1, "no gap and no repeat: {news:?}");
            self.last_seq = seq;
        }
        match news {
            JobEvent::Text { step, attempt, text, .. } => {
                let said = self.steps.entry(step).or_insert((attempt, String::new()));
                assert_eq!(said.0, attempt, "a reset comes before another attempt");
                said.1.push_str(&text);
            }
            JobEvent::Reset { step, attempt, .. } => {
                self.steps.retain(|other, _| *other < step);
                self.steps.insert(step, (attempt, String::new()));
            }
            _ => {}
        }
    }

    /// Reads on until the end, from one server after the other.
    async fn read(&mut self, servers: &[Client], message: &ChatRequest, begun: &AtomicUsize) {
        let deadline = Instant::now() + PATIENCE * 2;
        while self.end.is_none() {
            assert!(Instant::now() < deadline, "after {} connections: {:?}", self.connections, self.steps);
            let server = &servers[self.connections % servers.len()];
            self.connections += 1;
            match self.read_once(server, message, begun).await {
                Ok(()) => {}
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            sleep(AGAIN).await;
        }
    }

    async fn read_once(&mut self, server: &Client, message: &ChatRequest, begun: &AtomicUsize) -> Result<(), Error> {
        let mut events = server.chat_stream(message, self.last_id.as_deref()).await?;
        while let Ok(event) = timeout(PATIENCE, events.next()).await {
            let Some(event) = event? else { break };
            let silent = self.steps.is_empty();
            self.take(event);
            self.last_id = events.last_id().map(str::to_owned);
            if silent && !self.steps.is_empty() {
                begun.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// The text of the answer: that of the last step.
    fn text(&self) -> &str {
        self.steps.last_key_value().map(|(_, (_, text))| text.as_str()).unwrap_or_default()
    }
}

#[tokio::test]
async fn every_reader_ends_with_the_text_on_record() {
    // By hand, and nightly: a hundred answers.
    let rounds = if std::env::var("FLOTILLA_CHAT_CUTS").is_ok_and(|how| how == "full") { 10 } else { 1 };
    let fleet = Fleet::remote();
    let words: Vec<String> = (0..160).map(|n| format!("wörd{n}")).collect();
    let said = json!({ "text": words.join(" "), "tokens_per_second": 80 });
    let provider = provider(json!({ "rules": [{ "when": {}, "then": said }] })).await;
    configure(
        &fleet,
        &format!(
            "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{}\"\nkey = \"any\"\n[models.scripted]\n\
             provider = \"dev\"\ncontext = 100000\nmax_output = 4000\n\
             price = {{ input = \"1.00\", output = \"5.00\" }}\n[routes.chat]\nmodels = [\"scripted\"]\n",
            provider.url()
        ),
    );
    let many = [("WORKER__CONCURRENCY", "20".to_owned())];
    let servers: Vec<_> = (0..2).map(|_| fleet.start(&["serve"])).collect();
    let port = |url: &str| url.rsplit_once(':').unwrap().1.parse().unwrap();
    let proxies: Vec<Proxy> = servers.iter().map(|(_, url)| Proxy::to(port(url))).collect();
    let clients: Vec<Client> =
        proxies.iter().map(|proxy| Client::new(&format!("http://127.0.0.1:{}", proxy.port())).unwrap()).collect();

    let (mut worker, _) = fleet.start_with(&["work"], &many);
    let (mut connections, mut crashed) = (0, 0);
    for round in 0..rounds {
        let begun = Arc::new(AtomicUsize::new(0));
        let readings = (0..ANSWERS).map(|n| {
            let (clients, begun) = (clients.clone(), Arc::clone(&begun));
            async move {
                let message = ChatRequest {
                    session: Some(SessionId::new()),
                    message: format!("question {n}"),
                    client_id: Some(format!("{round}.{n}")),
                    ..ChatRequest::default()
                };
                let mut reader = Reader::default();
                reader.read(&clients, &message, &begun).await;
                reader
            }
        });
        let harm = async {
            let deadline = Instant::now() + PATIENCE;
            while begun.load(Ordering::SeqCst) < ANSWERS {
                assert!(Instant::now() < deadline, "{} of {ANSWERS} answers began", begun.load(Ordering::SeqCst));
                sleep(AGAIN).await;
            }
            worker.signal("KILL");
            worker.wait();
            worker = fleet.start_with(&["work"], &many).0;
            loop {
                sleep(CUT_EVERY).await;
                proxies.iter().for_each(Proxy::cut);
            }
        };
        let readers = tokio::select! {
            readers = join_all(readings) => readers,
            () = harm => unreachable!("it goes on until the readers are done"),
        };
        for reader in readers {
            let end = reader.end.as_ref().unwrap();
            assert_eq!(end.state, JobState::Completed, "{end:?}");
            let reply = end.reply.as_ref().unwrap();
            assert_eq!(reader.text(), reply.text);
            assert!(reply.text.contains("wörd159"), "{}", reply.text);
            // One message, one answer, on record with the result.
            let server = &servers[round % 2].1;
            let job = fleet.job(server, &end.job.to_string()).await;
            assert_eq!(job["output"]["text"], json!(reader.text()), "{job}");
            connections += reader.connections;
            crashed += usize::from(crate::fleet::crashes(&job) > 0);
        }
    }
    let answers = rounds * ANSWERS;
    assert_eq!(fleet.place.results().await, (answers as i64, answers as i64));
    println!("{answers} answers, {crashed} of them lost a worker, {connections} connections");
    assert!(connections > answers && crashed > 0, "{connections} connections, {crashed} crashes");
    let calls = provider.calls().len();
    assert!(calls <= 2 * answers, "{calls} calls for {answers} answers, each of one step and one crash");
}
