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

/// A ticket as it came; the bytes again where they name no job.
pub(super) fn read(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    let ticket = String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)?;
    let tail = ticket.get(32..).filter(|_| id_of(&ticket).is_some());
    let grouped = |rest: &str| rest.split_once(':').is_some_and(|(limit, _)| limit.parse::<u16>().is_ok());
    let known = tail
        .and_then(|tail| tail.split_at_checked(1))
        .is_some_and(|(priority, rest)| priority.as_bytes()[0].is_ascii_digit() && (rest.is_empty() || grouped(rest)));
    if known { Ok(ticket) } else { Err(ticket.into_bytes()) }
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
        for whole in [ticket(id, 5, None), ticket(id, 0, Some(&group))] {
            assert_eq!(read(whole.clone().into_bytes()), Ok(whole));
        }
        let hex = id.0.as_simple().to_string();
        for torn in
            [String::new(), hex.clone(), format!("{hex}x"), format!("{hex}5x"), format!("{hex}5-1:g"), "ü".repeat(40)]
        {
            assert_eq!(read(torn.clone().into_bytes()), Err(torn.into_bytes()));
        }
        assert!(read(vec![0xff; 33]).is_err());
    }
}
