//! Chats on real stores, with a scripted provider behind a real socket: whose turn it is, what is said, heard and left, and
//! what a worker that dies at any border costs.

mod borders;
mod contexts;
mod crowd;
mod history;
#[path = "../engine/place.rs"]
mod place;
mod reader;
mod safety;
#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "shared with fault tests, which kill and freeze servers")]
mod servers;
mod tools;
mod turns;
mod world;

/// Makes a test of each case on each store, named `store::topic::case`.
macro_rules! suite {
    ($($topic:ident::{$($case:ident),* $(,)?}),* $(,)?) => {
        on_store! { remote, $($topic::{$($case),*}),* }
        on_store! { file, $($topic::{$($case),*}),* }
    };
}

macro_rules! on_store {
    ($store:ident, $($topic:ident::{$($case:ident),*}),*) => {
        mod $store {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let place = crate::place::Place::$store().await;
                    crate::world::soon(crate::$topic::$case(place)).await;
                })*
            })*
        }
    };
}

suite! {
    turns::{
        a_message_is_answered_and_all_of_it_is_on_record,
        messages_are_answered_in_their_order,
        messages_that_wait_are_answered_together,
        an_interrupted_answer_is_kept_as_partial,
        a_busy_session_refuses_and_nothing_is_asked,
        a_call_that_is_cut_off_is_said_anew,
        a_chosen_model_answers_or_a_note_says_why_not,
        a_turn_without_a_message_says_so,
        a_quiet_turn_says_nothing,
    },
    tools::{
        what_tools_said_is_told_in_the_next_turn,
        a_steered_turn_hears_before_its_next_call,
        a_turn_that_fails_keeps_what_was_said,
    },
    history::{
        old_messages_are_summarized_once,
        a_message_that_no_model_takes_in_fails_clearly,
    },
    contexts::{
        a_turn_reads_only_what_is_new,
        a_fork_is_told_of_its_own_branch,
        a_deleted_session_leaves_nothing,
        a_changed_agent_is_heard_at_once,
        what_came_back_from_the_archive_is_told,
    },
    borders::{
        a_worker_may_die_at_any_border,
    },
    safety::{
        a_credential_stays_out_of_the_stream_and_of_the_record,
        a_credential_stays_out_of_a_summary,
        a_message_is_cleaned_and_marked_or_refused,
    },
    crowd::{
        many_talk_at_once_and_each_is_answered_as_its_session_says,
    },
}
