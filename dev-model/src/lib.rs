//! A scripted model provider: speaks three wire formats over HTTP, records every request, keeps a ledger of its own, and
//! misbehaves on request.
//!
//! It is the other side: it shares no code with the client that it tests, so that its reading of the formats can
//! disagree with ours. What it says comes from a [`Script`], or from simple rules of its own, and says
//! that it is scripted.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use flotilla_dev_model::{Kind, Options, Script, Server, Then, When};
//!
//! let script = Script::default()
//!     .rule(When::default().call(1), Then::error(Kind::Overloaded))
//!     .rule(When::default().contains("weather"), Then::tool("get_weather", serde_json::json!({ "city": "Paris" })));
//! let server = Server::start(Options { script, ..Options::default() }).await?;
//! let base_url = format!("{}/v1", server.url());
//! // … calls …
//! assert_eq!(server.ledger().calls, 2);
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod admit;
mod answer;
mod ask;
mod call;
mod clock;
mod connection;
mod counts;
mod dev;
mod fingerprint;
mod flow;
mod limits;
mod plan;
mod record;
mod refusal;
mod route;
mod script;
mod scripted;
mod server;
mod shared;
pub mod tokens;
mod wire;

pub use counts::{Prices, Usage};
pub use record::{CallRecord, Ledger, ModelLedger, Outcome};
pub use refusal::Kind;
pub use script::{
    Counts, Cut, Failure, How, Limits, Midway, Quirk, Rule, Script, ScriptError, Stall, Then, Thinking, ToolCall, When,
};
pub use server::{OnEnd, Options, Server, TooFew};
pub use wire::Wire;
