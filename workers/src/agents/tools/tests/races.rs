//! Names that change between a look and a read.

use super::{Place, SECRET, call};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use std::{
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Exchanges two names as fast as it can while the tools read one of them.
#[tokio::test]
async fn exchanging_names_meanwhile_leads_nowhere() {
    let place = Place::new();
    place.write("dir/file", "inside\n");
    symlink(place.outside(), place.root().join("link")).unwrap();
    symlink("..", place.root().join("up")).unwrap();
    place.write("plain", "inside\n");
    // Through `up`, `dir/file` would be the secret beside the tree.
    std::fs::write(place.root().parent().unwrap().join("file"), SECRET).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (root, until) = (place.root(), stop.clone());
    let exchange = thread::spawn(move || {
        let pairs = [("plain", "link"), ("dir", "up")].map(|(one, other)| (root.join(one), root.join(other)));
        while !until.load(Ordering::Relaxed) {
            for (one, other) in &pairs {
                renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
            }
        }
    });
    let tools = place.tree();
    let mut read = 0;
    for _ in 0..300 {
        for (tool, arguments) in [
            ("read_file", json!({"path": "plain"})),
            ("read_file", json!({"path": "dir/file"})),
            ("grep", json!({"pattern": "inside|hunter2"})),
        ] {
            let said = call(&tools, tool, arguments).await;
            let text = said.unwrap_or_else(|error| error.to_string());
            assert!(!text.contains(SECRET), "{tool}: {text}");
            read += usize::from(text.contains("inside"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    exchange.join().unwrap();
    assert!(read > 0, "now and then the file is there");
}
