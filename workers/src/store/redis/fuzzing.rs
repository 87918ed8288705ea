//! The parsers of what Redis holds and its scripts answer, for fuzz targets and properties. What can be read must be
//! what was written.

use super::{envelope, id_of, reply};
use redis::Value;

/// Reads bytes as a job's `head|kind|body`.
pub fn envelope(bytes: &[u8]) {
    let Some((head, body)) = std::str::from_utf8(bytes).ok().and_then(|text| envelope::read(text).ok()) else { return };
    assert_eq!(envelope::Head::read(&head.write()), Some(head));
    assert!(!body.kind.is_empty() && body.max_attempts > 0 && body.timeout_ms > 0);
    assert!(serde_json::from_str::<&serde_json::value::RawValue>(body.payload.get()).is_ok());
}

/// Reads bytes as a ticket.
pub fn ticket(bytes: &[u8]) {
    match super::ticket::read(bytes.to_vec()) {
        Ok(read) => {
            assert_eq!(read.as_bytes(), bytes);
            assert!(id_of(&read).is_some());
        }
        Err(back) => assert_eq!(back, bytes),
    }
}

/// Reads bytes as what a server sends, and that as the answers of the scripts that hand out jobs.
pub fn reply(bytes: &[u8]) {
    if let Ok(Value::Array(values)) = redis::parse_redis_value(bytes) {
        answer(values);
    }
}

/// Reads values as the answers of the scripts that hand out jobs.
pub(super) fn answer(values: Vec<Value>) {
    let items = values.len();
    if let Ok(batch) = reply::claim(values.clone()) {
        assert_eq!(2 + 3 * (batch.jobs.len() + batch.nobodys.len()), items);
        for job in &batch.jobs {
            assert!(id_of(&job.ticket).is_some());
            envelope(job.envelope.as_deref().unwrap_or_default());
        }
    }
    if let Ok(overdue) = reply::expire(values) {
        assert_eq!(1 + 4 * (overdue.leases.len() + overdue.nobodys.len()), items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = Vec<u8>> {
        let ours = prop_oneof![
            Just("0,0,0,0,0,0|"),
            Just("4294967295,1,2,3,4,5"),
            Just("|"),
            Just(","),
            Just("noop|"),
            Just(r#"{"n":"default","m":3,"t":900000,"p":{}}"#),
            Just(r#"{"n":"b","m":0,"t":0,"p":[1,"#),
            Just("0123456789abcdef0123456789abcdef"),
            Just("5"),
            Just("12:group"),
            Just("-1"),
        ];
        let piece = prop_oneof![4 => ours.prop_map(|s| s.as_bytes().to_vec()), 1 => any::<Vec<u8>>()];
        proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    fn values() -> impl Strategy<Value = Vec<Value>> {
        let value = prop_oneof![
            3 => words().prop_map(Value::BulkString),
            2 => any::<i64>().prop_map(Value::Int),
            1 => Just(Value::Nil),
            1 => Just(Value::Okay),
            1 => proptest::collection::vec(any::<i64>().prop_map(Value::Int), 0..3).prop_map(Value::Array),
        ];
        proptest::collection::vec(value, 0..10)
    }

    proptest! {
        #[test]
        fn no_value_makes_a_parser_panic(bytes in words(), values in values()) {
            envelope(&bytes);
            ticket(&bytes);
            reply(&bytes);
            answer(values);
        }

        #[test]
        fn no_bytes_make_a_parser_panic(bytes: Vec<u8>) {
            envelope(&bytes);
            ticket(&bytes);
            reply(&bytes);
        }

        #[test]
        fn an_answer_is_read_job_by_job(
            jobs in proptest::collection::vec((words(), any::<bool>()), 0..6), now in 0..i64::MAX, token: u64
        ) {
            let whole = b"0123456789abcdef0123456789abcdef5".to_vec();
            let mut values = vec![Value::Int(now), Value::BulkString(token.to_string().into_bytes())];
            for (bytes, good) in &jobs {
                let ticket = if *good { whole.clone() } else { bytes.clone() };
                values.extend([Value::BulkString(ticket), Value::BulkString(b"nan".to_vec()), Value::Nil]);
            }
            let batch = reply::claim(values).unwrap();
            prop_assert_eq!(batch.jobs.len() + batch.nobodys.len(), jobs.len());
            prop_assert!(batch.jobs.len() >= jobs.iter().filter(|(_, good)| *good).count());
            prop_assert!(batch.jobs.iter().all(|job| job.ready_at == now));
        }
    }
}
