//! What holds for any bytes: they are read or refused, and how they are cut does not matter.

use super::*;
use crate::agents::model::fuzzing::answer;
use proptest::prelude::*;

fn any_fixture() -> impl Strategy<Value = String> {
    let names: Vec<String> = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dev-model/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| is_stream(name))
        .collect();
    assert!(names.len() > 10);
    proptest::sample::select(names)
}

/// The same bytes, cut at these places.
fn cut(bytes: &[u8], mut at: Vec<usize>) -> Vec<Vec<u8>> {
    for place in &mut at {
        *place %= bytes.len();
    }
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_same_answer(
        name in any_fixture(),
        at in proptest::collection::vec(any::<usize>(), 0..60),
        crlf in any::<bool>(),
    ) {
        let mut bytes = fixture(&name);
        if crlf {
            bytes = String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes();
        }
        prop_assert_eq!(stream(wire_of(&name), None, cut(&bytes, at)), replay(&name));
    }

    #[test]
    fn a_stream_with_a_byte_of_it_changed_does_not_make_it_panic(
        name in any_fixture(),
        at in any::<usize>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = fixture(&name);
        let at = at % bytes.len();
        bytes[at] = byte;
        answer(&bytes, 1_000);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..20) {
        answer(&bytes, size);
    }

    #[test]
    fn no_events_make_it_panic(events in proptest::collection::vec(event(), 0..12)) {
        answer(events.concat().as_bytes(), 50);
    }
}

/// An event whose fields have the names that formats know, and anything in them.
fn event() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        "[a-z{}\" ]{0,6}".prop_map(|text| json!(text)),
        proptest::sample::select(vec![
            "message_start",
            "content_block_start",
            "content_block_delta",
            "message_delta",
            "message_stop",
            "tool_use",
            "input_json_delta",
            "text_delta",
            "signature_delta",
            "thinking",
            "response.output_item.added",
            "response.output_item.done",
            "response.function_call_arguments.delta",
            "response.completed",
            "function_call",
            "message",
            "reasoning",
            "stop",
            "incomplete",
            "answer",
        ])
        .prop_map(|text| json!(text)),
    ];
    let keys = proptest::sample::select(vec![
        "type",
        "choices",
        "delta",
        "message",
        "content",
        "tool_calls",
        "index",
        "id",
        "function",
        "name",
        "arguments",
        "finish_reason",
        "usage",
        "prompt_tokens",
        "completion_tokens",
        "output_index",
        "content_index",
        "item",
        "response",
        "output",
        "status",
        "content_block",
        "input",
        "partial_json",
        "text",
        "thinking",
        "signature",
        "stop_reason",
        "input_tokens",
        "output_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "error",
        "code",
    ]);
    let value = leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    });
    value.prop_map(|value| format!("data: {value}\n\n"))
}
