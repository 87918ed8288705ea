//! Cases of sessions: what is said in them, and whose turn it is.

mod busy;
mod keep;
pub mod said;
mod turn;
mod walk;

suite! {
    keep::{
        a_session_is_opened_once,
        a_session_can_be_renamed,
        sessions_are_listed_by_tenant_and_age,
        what_makes_no_sense_is_refused,
        a_fork_has_the_branch_and_no_more,
        a_fork_outlives_its_origin,
        what_waits_cannot_be_forked,
        a_deleted_session_is_gone_and_its_turns_end,
        any_text_can_be_said,
    },
    turn::{
        a_message_and_its_job_are_on_record_together,
        the_same_client_id_is_the_first_message,
        a_turn_begins_with_its_message,
        the_answer_is_on_record_with_the_result,
        a_stale_run_leaves_nothing,
        what_runs_again_leaves_nothing,
        a_failed_turn_leaves_what_it_has,
        a_crashed_turn_goes_on_where_it_was,
        a_turn_that_another_is_in_waits,
        a_message_joins_a_turn_that_is_paused,
        an_operators_retry_is_a_branch_of_its_own,
        a_job_without_a_message_has_no_turn,
        a_branch_is_read_within_its_room,
        entries_are_read_page_by_page,
        a_batch_of_posts_is_answered_in_order,
        a_job_that_is_pruned_leaves_its_session,
    },
    busy::{
        enqueued_messages_have_their_turns_in_order,
        a_busy_session_refuses_where_it_should,
        an_interrupted_turn_keeps_its_partial_text,
        a_message_before_a_turn_begins_interrupts_nothing,
        what_waits_is_joined_when_its_turn_comes,
        a_running_turn_is_steered,
        a_steered_turn_hears_again_after_a_crash,
        a_message_too_late_to_steer_is_answered_next,
        a_message_whose_job_was_cancelled_is_not_taken_up,
        the_setting_counts_from_the_next_message,
        a_full_session_says_so,
    },
    walk::{
        random_talk_agrees_with_the_model_when_it_waits,
        random_talk_agrees_with_the_model_when_it_refuses,
        random_talk_agrees_with_the_model_when_it_interrupts,
        random_talk_agrees_with_the_model_when_it_steers,
        random_talk_agrees_with_the_model_when_it_joins,
        messages_at_once_are_each_answered_once,
    },
}
