//! What callers ask of the writer, and how a group of such wishes is carried out in one transaction.

use super::{
    approvals, archive, cache, calls, cancel, claim,
    claim::Wanted,
    conversations::{self, Wish},
    due::{self, Batch},
    enqueue,
    journal::{self, Opening},
    lanes,
    lead::{self, Bid},
    ledger, live, mend, operator,
    prune::{self, Old},
    queues, settle, turns,
    tx::Tx,
};
use crate::{
    admission::{Admitted, Ask, Lane, Permit, Used},
    clock::Millis,
    journal::{Begin, Begun, EndStep, Ended, Note, Noted, Opened},
    sessions::{Post, Posted, Session, SessionEntry, SessionId, Turn},
    store::{
        CancelReply, Claimed, Error, Lease, LiveEvent, Promoted, QueueChange, Renewal, Rescued, Settle, Settled,
        Submission,
    },
};
use flotilla_jobs::{Accepted, JobId};
use tokio::sync::oneshot;

/// A wish and where its answer goes, once it is committed.
pub(super) struct Call<I, O> {
    ask: I,
    answer: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

impl<I, O> Call<I, O> {
    /// A wish, and the end where its answer comes out.
    pub(super) fn new(ask: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { ask, answer: None, reply }, answer)
    }

    fn send(self, refused: Option<Error>) {
        let answer = refused.map(Err).or(self.answer);
        // A caller that went away does not want to know.
        let _ = self.reply.send(answer.unwrap_or_else(|| Err(super::unavailable("the operation was not carried out"))));
    }
}

/// Everything that is written.
pub(super) enum Op {
    Enqueue(Call<Vec<Submission>, Vec<Accepted>>),
    Settle(Call<Vec<Settle>, Vec<Settled>>),
    Claim(Call<Wanted, Vec<Claimed>>),
    Renew(Call<(Vec<Lease>, Millis), Vec<Renewal>>),
    Append(Call<Vec<(Lease, LiveEvent)>, ()>),
    Cancel(Call<Vec<JobId>, Vec<Option<CancelReply>>>),
    Retry(Call<Vec<JobId>, Vec<bool>>),
    Resume(Call<Vec<JobId>, Vec<bool>>),
    Promote(Call<Batch, Promoted>),
    Rescue(Call<Batch, Vec<Rescued>>),
    Prune(Call<Old, u32>),
    PruneKeys(Call<u32, u32>),
    Lead(Call<Bid, Vec<bool>>),
    Configure(Call<(String, QueueChange), ()>),
    Mend(Call<mend::Found, ()>),
    OpenRun(Call<Box<Opening>, Option<Box<Opened>>>),
    Begin(Call<Vec<Begin>, Vec<Begun>>),
    End(Call<Vec<EndStep>, Vec<Ended>>),
    Note(Call<Vec<Note>, Vec<Noted>>),
    Void(Call<u32, u32>),
    PruneSpend(Call<(String, u32), u32>),
    Admit(Call<Ask, Admitted>),
    Release(Call<(Permit, Used), ()>),
    Leave(Call<(Lane, String), ()>),
    Session(Call<Box<Wish>, Option<Session>>),
    Post(Call<Vec<Post>, Vec<Posted>>),
    BeginTurn(Call<Lease, Turn>),
    Hear(Call<(Lease, u64), Option<Vec<SessionEntry>>>),
    DeleteSession(Call<SessionId, bool>),
    Archive(Call<Box<archive::Wish>, archive::Came>),
    Approval(Call<Box<approvals::Wish>, approvals::Granted>),
    Cache(Call<Box<cache::Wish>, u32>),
}

/// Does the same with the call of any operation.
macro_rules! with_call {
    ($op:expr, $call:ident => $do:expr) => {
        match $op {
            Op::Enqueue($call) => $do,
            Op::Settle($call) => $do,
            Op::Claim($call) => $do,
            Op::Renew($call) => $do,
            Op::Append($call) => $do,
            Op::Cancel($call) => $do,
            Op::Retry($call) | Op::Resume($call) => $do,
            Op::Promote($call) => $do,
            Op::Rescue($call) => $do,
            Op::Prune($call) => $do,
            Op::PruneKeys($call) | Op::Void($call) => $do,
            Op::Lead($call) => $do,
            Op::Configure($call) => $do,
            Op::Mend($call) => $do,
            Op::OpenRun($call) => $do,
            Op::Begin($call) => $do,
            Op::End($call) => $do,
            Op::Note($call) => $do,
            Op::PruneSpend($call) => $do,
            Op::Admit($call) => $do,
            Op::Release($call) => $do,
            Op::Leave($call) => $do,
            Op::Session($call) => $do,
            Op::Post($call) => $do,
            Op::BeginTurn($call) => $do,
            Op::Hear($call) => $do,
            Op::DeleteSession($call) => $do,
            Op::Archive($call) => $do,
            Op::Approval($call) => $do,
            Op::Cache($call) => $do,
        }
    };
}

impl Op {
    /// How many jobs it is about, as far as that bounds a group.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Enqueue(call) => call.ask.len(),
            Self::Settle(call) => call.ask.len(),
            Self::Claim(call) => call.ask.queues.iter().map(|(_, max)| *max as usize).sum(),
            Self::Promote(call) => call.ask.max as usize,
            Self::Rescue(call) => call.ask.max as usize,
            Self::Prune(call) => call.ask.seqs.len(),
            Self::PruneKeys(call) | Self::Void(call) => call.ask as usize,
            Self::Begin(call) => call.ask.len(),
            Self::Post(call) => call.ask.len(),
            Self::Archive(call) => call.ask.weight(),
            Self::End(call) => call.ask.len(),
            Self::Note(call) => call.ask.len(),
            Self::PruneSpend(call) => call.ask.1 as usize,
            _ => 1,
        }
    }

    /// Whether its answer is a promise that must outlive a power cut.
    ///
    /// The others may be forgotten by one: a claim, a renewal or a promotion only says what runs now, and after a
    /// power cut nothing does. What is left of a provider's limits is told by its next answers.
    pub(super) fn is_promise(&self) -> bool {
        !matches!(
            self,
            Self::Claim(_)
                | Self::Renew(_)
                | Self::Append(_)
                | Self::Promote(_)
                | Self::Lead(_)
                | Self::Admit(_)
                | Self::Release(_)
                | Self::Leave(_)
                | Self::Cache(_)
        )
    }

    /// Whether nobody waits for it, and it is better left undone.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Claim(call) => call.reply.is_closed(),
            Self::Admit(call) => call.reply.is_closed(),
            _ => false,
        }
    }

    /// Tells the caller what came of it.
    pub(super) fn answer(self) {
        with_call!(self, call => call.send(None));
    }

    /// Tells the caller that nothing came of it.
    pub(super) fn refuse(self, error: Error) {
        with_call!(self, call => call.send(Some(error)));
    }
}

/// Carries out a group. Nobody has an answer yet, so any order will do: what makes work comes before what takes it.
pub(super) async fn perform(tx: &mut Tx<'_>, ops: &mut [Op]) -> Result<(), Error> {
    enqueue_all(tx, ops).await?;
    settle_all(tx, ops).await?;
    for op in ops.iter_mut() {
        match op {
            Op::Enqueue(_) | Op::Settle(_) | Op::Claim(_) => {}
            Op::OpenRun(call) => call.answer = Some(Ok(journal::open(tx, &call.ask).await?.map(Box::new))),
            Op::Begin(call) => call.answer = Some(Ok(calls::begin(tx, &call.ask).await?)),
            Op::End(call) => call.answer = Some(Ok(calls::end(tx, &call.ask).await?)),
            Op::Note(call) => call.answer = Some(Ok(calls::note(tx, &call.ask).await?)),
            Op::Void(call) => call.answer = Some(Ok(ledger::void(tx, call.ask).await?)),
            Op::PruneSpend(call) => {
                call.answer = Some(Ok(ledger::prune(tx, &call.ask.0, call.ask.1).await?));
            }
            Op::Renew(call) => call.answer = Some(Ok(claim::renew(tx, &call.ask.0, call.ask.1).await?)),
            Op::Append(call) => call.answer = Some(Ok(live::append(tx, &call.ask).await?)),
            Op::Cancel(call) => call.answer = Some(Ok(cancel::cancel(tx, &call.ask).await?)),
            Op::Retry(call) => call.answer = Some(Ok(operator::retry(tx, &call.ask).await?)),
            Op::Resume(call) => call.answer = Some(Ok(operator::resume(tx, &call.ask).await?)),
            Op::Promote(call) => call.answer = Some(Ok(due::promote(tx, &call.ask).await?)),
            Op::Rescue(call) => call.answer = Some(Ok(due::rescue(tx, &call.ask).await?)),
            Op::Prune(call) => call.answer = Some(Ok(prune::prune(tx, &call.ask).await?)),
            Op::PruneKeys(call) => call.answer = Some(Ok(prune::prune_keys(tx, call.ask).await?)),
            Op::Lead(call) => call.answer = Some(Ok(lead::lead(tx, &call.ask).await?)),
            Op::Mend(call) => call.answer = Some(Ok(mend::mend(tx, &call.ask).await?)),
            Op::Admit(call) => call.answer = Some(Ok(lanes::admit(tx, &call.ask).await?)),
            Op::Release(call) => call.answer = Some(Ok(lanes::release(tx, &call.ask.0, &call.ask.1).await?)),
            Op::Leave(call) => call.answer = Some(Ok(lanes::leave(tx, &call.ask.0, &call.ask.1).await?)),
            Op::Session(call) => call.answer = Some(Ok(conversations::perform(tx, &call.ask).await?)),
            Op::Post(call) => call.answer = Some(Ok(turns::post(tx, &call.ask).await?)),
            Op::BeginTurn(call) => call.answer = Some(Ok(turns::begin(tx, &call.ask).await?)),
            Op::Hear(call) => call.answer = Some(Ok(turns::hear(tx, &call.ask.0, call.ask.1).await?)),
            Op::DeleteSession(call) => call.answer = Some(Ok(conversations::delete(tx, call.ask).await?)),
            Op::Archive(call) => call.answer = Some(Ok(archive::perform(tx, &call.ask).await?)),
            Op::Approval(call) => call.answer = Some(Ok(approvals::perform(tx, &call.ask).await?)),
            Op::Cache(call) => call.answer = Some(Ok(cache::perform(tx, &call.ask).await?)),
            Op::Configure(call) => call.answer = Some(Ok(queues::configure(tx, &call.ask.0, call.ask.1).await?)),
        }
    }
    for op in ops {
        if let Op::Claim(call) = op {
            call.answer = Some(Ok(claim::claim(tx, &call.ask).await?));
        }
    }
    Ok(())
}

/// Writes the submits of all callers together.
async fn enqueue_all(tx: &mut Tx<'_>, ops: &mut [Op]) -> Result<(), Error> {
    let calls = ops.iter().filter_map(|op| if let Op::Enqueue(call) = op { Some(call) } else { None });
    let batches: Vec<&[Submission]> = calls.map(|call| call.ask.as_slice()).collect();
    if batches.is_empty() {
        return Ok(());
    }
    let answers = enqueue::enqueue(tx, &batches).await?;
    let calls = ops.iter_mut().filter_map(|op| if let Op::Enqueue(call) = op { Some(call) } else { None });
    calls.zip(answers).for_each(|(call, answer)| call.answer = Some(answer));
    Ok(())
}

/// Writes the results of all callers together.
async fn settle_all(tx: &mut Tx<'_>, ops: &mut [Op]) -> Result<(), Error> {
    let calls = ops.iter().filter_map(|op| if let Op::Settle(call) = op { Some(call) } else { None });
    let ends: Vec<&Settle> = calls.flat_map(|call| &call.ask).collect();
    if ends.is_empty() {
        // A call without an end is answered all the same.
        for op in ops {
            if let Op::Settle(call) = op {
                call.answer = Some(Ok(Vec::new()));
            }
        }
        return Ok(());
    }
    let settled = settle::settle(tx, &ends).await?;
    turns::leave(tx, &ends, &settled).await?;
    let mut settled = settled.into_iter();
    for op in ops {
        if let Op::Settle(call) = op {
            call.answer = Some(Ok(settled.by_ref().take(call.ask.len()).collect()));
        }
    }
    Ok(())
}
