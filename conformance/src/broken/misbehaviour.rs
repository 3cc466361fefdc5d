//! Adapters that do something other than answering.

use std::process;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Returns the answer that replaces reading, or misbehaves.
pub(super) fn instead(name: &str, request: &Value) -> Option<Value> {
    match name {
        "aborts" => process::abort(),
        "ends-quietly" => process::exit(0),
        "hangs" => hang(),
        "allocates-too-much" => {
            // Twice the default limit. The adapter keeps the memory until it is caught.
            let taken = vec![1_u8; 512 << 20];
            std::hint::black_box(&taken);
            hang()
        }
        "writes-garbage" => Some(Value::from("ok")),
        "answers-another-question" => Some(json!({ "id": 0, "result": "reject" })),
        "invents-results" => {
            let released = crate::generator::primitives::sha256_hex(b"");
            let id = &request["id"];
            Some(json!({ "id": id, "result": "maybe", "released_len": 0, "released_sha256": released }))
        }
        _ => None,
    }
}

/// Sleeps longer than any runner waits.
pub(super) fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}
