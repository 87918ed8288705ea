//! Cases of the archive: what goes there, what comes back, and what happens at the same time.

mod away;
mod crowd;
mod shelf;

suite! {
    shelf::{
        sessions_are_idle_by_their_age,
        a_busy_session_does_not_go,
        what_changes_meanwhile_stays,
        what_was_begun_long_ago_cannot_be_committed,
        a_deleted_session_dooms_its_object,
        an_object_that_stays_is_tried_after_the_others,
    },
    away::{
        a_session_comes_back_as_it_was,
        whoever_asks_brings_it_back,
        without_an_archive_it_is_said_where_it_is,
        a_retried_job_finds_its_session,
        a_fork_outlives_an_archived_origin,
        a_damaged_object_brings_nothing_back,
        what_is_kept_goes_with_its_session,
        any_text_comes_back_to_the_byte,
    },
    crowd::{
        nothing_is_lost_between_talkers_and_an_archiver,
    },
}
