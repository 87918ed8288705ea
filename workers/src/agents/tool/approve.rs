//! Calls that a person has to agree to: asked for before anything of them is on record in the journal.

use super::{ToolCall, Toolbox, output};
use crate::{
    agents::{
        halt::Halt,
        host::Said,
        patience::SHORT,
        record::Gave,
        run::{Next, Run},
    },
    approvals::{Approval, AskApproval, Asked, Decision, MAX_SHOWN},
    review,
};
use std::{collections::BTreeSet, time::Duration};

impl Run {
    /// Whether each call of a tool waits for a person.
    pub(super) fn asks_first(&self, name: &str) -> bool {
        self.agents.kit.approval.contains(name) || self.plan.definition.approval.contains(name)
    }

    /// Names of those that only read and wait for nobody.
    pub(in crate::agents) fn reads(&self, tools: &Toolbox) -> BTreeSet<String> {
        tools.reading().filter(|name| !self.asks_first(name)).cloned().collect()
    }

    /// Whether the call may be made: `None` if it may, or what the model is told instead. While nobody has decided the
    /// run halts, and its job waits without a slot.
    pub(super) async fn agreed(&self, call: &ToolCall, next: &Next) -> Result<Option<Gave>, Halt> {
        if !self.asks_first(&call.name) {
            return Ok(None);
        }
        let Some(approvals) = &self.agents.approvals else {
            return Ok(Some(told(&format!("`{}` needs a person's approval, and nobody can be asked here", call.name))));
        };
        let ask = AskApproval {
            run: self.id,
            key: next.key,
            input_hash: next.hash,
            tool: call.name.clone(),
            arguments: shown(&call.arguments),
            timeout: self.agents.kit.approval_timeout,
        };
        let asked = self.job.patiently(SHORT, || approvals.ask_approval(&self.job.lease, ask.clone())).await?;
        let approval = match asked {
            Asked::Is(approval) => *approval,
            Asked::Changed => return Err(self.diverged(next, &next.name).await),
            Asked::LeaseLost => return Err(Halt::LeaseLost),
        };
        match approval.decision {
            Decision::Approved => Ok(None),
            Decision::Pending => Err(self.wait_for(&approval)),
            Decision::Denied | Decision::Expired | Decision::Ended => Ok(Some(denied(&approval))),
        }
    }

    fn wait_for(&self, approval: &Approval) -> Halt {
        let Approval { id, tool, .. } = approval;
        let message = format!("approval: `{tool}` waits for a person ({id})");
        (self.job.say)(Said::Progress { done: self.steps().into(), total: None, message: message.clone() });
        Halt::Approval(message)
    }

    /// How long the run's job waited for people so far: that is nobody's time but theirs.
    pub(in crate::agents) fn waited(approvals: &[Approval]) -> Duration {
        let waits = approvals.iter().filter_map(|one| {
            let wait = one.decided_at?.as_millisecond() - one.requested_at.as_millisecond();
            u64::try_from(wait).ok()
        });
        Duration::from_millis(waits.sum())
    }
}

fn denied(approval: &Approval) -> Gave {
    let tool = &approval.tool;
    let said = approval.reason.as_ref().map(|reason| format!(", who says: {reason}")).unwrap_or_default();
    told(&match approval.decision {
        Decision::Denied => format!("denied: a person did not allow this call of `{tool}`{said}; go on without it"),
        _ => format!("denied: nobody allowed this call of `{tool}` in time; go on without it"),
    })
}

fn told(what: &str) -> Gave {
    Gave { text: output::cap(what.as_bytes(), 2_048), failed: true }
}

/// Arguments as a person is shown them.
fn shown(arguments: &str) -> String {
    output::cap(review::fit_to_show(arguments.as_bytes()).as_bytes(), MAX_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_are_shown_is_bounded_and_holds_no_secret() {
        let key = format!("AKIA{}", "IOSFODNN7QWERTYZ");
        let text = shown(&format!(r#"{{"path": "a\u202e", "content": "key = {key}"}}"#));
        assert!(text.contains("path") && !text.contains(&key), "{text}");
        let hidden = shown("a\u{202e}b\u{1b}[2J");
        assert!(!hidden.chars().any(|c| c == '\u{202e}' || c == '\u{1b}'), "{hidden}");
        let long = shown(&format!("START{}END", "é\u{200b}".repeat(1 << 16)));
        assert!(long.len() <= MAX_SHOWN + 256, "{} bytes", long.len());
    }
}
