//! Whole answers out of bytes, for fuzz targets, properties and replays.

use super::{Event, Reply, Shape, Wire, client::sse, refusal::Complaint, wire::Reader};
use flotilla_jobs::Usage;
use futures_util::{FutureExt, StreamExt, stream};

/// What became of an answer, and what was told of it meanwhile.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub reply: Result<Reply, Complaint>,
    pub events: Vec<Event>,
    pub usage: Option<Usage>,
}

/// Reads a stream that comes in these chunks.
pub(super) fn stream(wire: Wire, answer: Option<&Shape>, chunks: Vec<Vec<u8>>) -> Read {
    let body = stream::iter(chunks.into_iter().map(Ok::<_, ()>));
    // All of it is there, so nothing waits.
    let events = sse::events(&[], body).collect::<Vec<_>>().now_or_never().unwrap_or_default();
    read(wire, answer, |reader, sink| {
        for event in events {
            let event = event.map_err(|broken| Complaint::cut(broken.to_string()))?;
            if reader.event(&event.event, &event.data, sink)? {
                break;
            }
        }
        Ok(())
    })
}

/// Reads an answer that comes at once.
pub(super) fn whole(wire: Wire, answer: Option<&Shape>, body: &[u8]) -> Read {
    read(wire, answer, |reader, sink| reader.whole(body, sink))
}

type Steps<'a> = &'a mut (dyn FnMut(Event) + Send);

fn read(
    wire: Wire,
    answer: Option<&Shape>,
    steps: impl FnOnce(&mut Reader, Steps<'_>) -> Result<(), Complaint>,
) -> Read {
    let mut events = Vec::new();
    let mut reader = Reader::new(wire, answer);
    let ended = steps(&mut reader, &mut |event| events.push(event));
    let usage = reader.usage();
    Read { reply: ended.and_then(|()| reader.end()), events, usage }
}

/// Reads any bytes in every format, at once and as a stream of chunks of `size`. However they are cut, the answer is the
/// same.
pub fn answer(bytes: &[u8], size: usize) {
    let shape = Shape { name: "answer".to_owned(), schema: serde_json::Value::Null };
    for wire in [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic] {
        let _ = whole(wire, Some(&shape), bytes);
        let in_chunks = stream(wire, Some(&shape), bytes.chunks(size.max(1)).map(<[u8]>::to_vec).collect());
        assert_eq!(in_chunks, stream(wire, Some(&shape), vec![bytes.to_vec()]));
    }
}
