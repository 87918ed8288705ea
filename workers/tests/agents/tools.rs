//! Tools that count, and one that changes something and can say whether it did.

use async_trait::async_trait;
use flotilla_workers::agents::{
    Tool, Toolbox,
    model::ToolSpec,
    tool::{Arguments, Effect, Idempotent, Pure, ToolError},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Says its argument `say` so many times as `times`, and counts its calls.
#[derive(Default)]
pub struct Look {
    pub calls: AtomicU64,
}

/// Marks the world outside: what was done, by key.
#[derive(Default)]
pub struct Mark {
    pub marks: Mutex<BTreeMap<String, u32>>,
    pub reconciled: AtomicU64,
}

fn spec(name: &str) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: "a test's".to_owned(), parameters: json!({"type": "object"}) }
}

#[async_trait]
impl Pure for Look {
    fn spec(&self) -> ToolSpec {
        spec("look")
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if arguments.contains_key("fail") {
            return Err(ToolError::said("there is nothing to see"));
        }
        assert!(!arguments.contains_key("panic"), "as told");
        let times = arguments.get("times").and_then(serde_json::Value::as_u64).unwrap_or(1);
        let say = arguments.get("say").and_then(serde_json::Value::as_str).unwrap_or("x");
        Ok(say.repeat(times as usize).into_bytes())
    }
}

#[async_trait]
impl Effect for Mark {
    fn spec(&self) -> ToolSpec {
        spec("mark")
    }

    async fn call(&self, _: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        *self.marks.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        tokio::task::yield_now().await;
        Ok(b"marked".to_vec())
    }

    async fn reconcile(&self, _: &Arguments, key: &str) -> Result<Option<Vec<u8>>, ToolError> {
        self.reconciled.fetch_add(1, Ordering::SeqCst);
        Ok(self.marks.lock().unwrap().contains_key(key).then(|| b"marked".to_vec()))
    }
}

/// Puts something somewhere, however often: how often, by key.
#[derive(Default)]
pub struct Put {
    pub times: Mutex<BTreeMap<String, u32>>,
}

#[async_trait]
impl Idempotent for Put {
    fn spec(&self) -> ToolSpec {
        spec("put")
    }

    async fn call(&self, _: &Arguments, key: &str) -> Result<Vec<u8>, ToolError> {
        *self.times.lock().unwrap().entry(key.to_owned()).or_default() += 1;
        Ok(b"put".to_vec())
    }
}

/// Both, to look into and to give away.
pub fn tools() -> (Arc<Look>, Arc<Mark>, Toolbox) {
    let (look, mark) = (Arc::new(Look::default()), Arc::new(Mark::default()));
    let toolbox = Toolbox::default().with(Tool::Pure(look.clone())).with(Tool::Effect(mark.clone()));
    (look, mark, toolbox)
}
