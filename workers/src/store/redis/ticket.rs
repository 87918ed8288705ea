//! How the queue names a job: the name says all that a script must know of it.

use flotilla_jobs::{Group, JobId};
use uuid::Uuid;

/// 32 hex digits of the id, one digit of priority, and `limit:group` for a job of a group.
pub(crate) fn ticket(id: JobId, priority: u8, group: Option<&Group>) -> String {
    match group {
        None => format!("{}{priority}", id.0.as_simple()),
        Some(g) => format!("{}{priority}{}:{}", id.0.as_simple(), g.limit, g.key),
    }
}

/// The id in a ticket.
pub(crate) fn id_of(ticket: &str) -> Option<JobId> {
    ticket.get(..32).and_then(|hex| Uuid::try_parse(hex).ok()).map(JobId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_names_its_job() {
        let id = JobId::new();
        let group = Group { key: "session:ü".into(), limit: 12 };
        assert_eq!(id_of(&ticket(id, 5, None)), Some(id));
        assert!(ticket(id, 5, Some(&group)).ends_with("512:session:ü"));
        assert_eq!(id_of(&ticket(id, 0, Some(&group))), Some(id));
        assert_eq!(id_of("short"), None);
    }
}
