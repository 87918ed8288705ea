//! The job kinds this binary runs.

use flotilla_workers::registry::Registry;
use std::path::PathBuf;

/// Kinds whose handlers read git work trees below `roots` only; `None` for anywhere.
pub fn registry(roots: Option<Vec<PathBuf>>) -> Registry {
    drop(roots);
    shim::registry()
}

mod shim {
    use async_trait::async_trait;
    use flotilla_jobs::{
        Outcome,
        kinds::{CodeReview, Review},
    };
    use flotilla_workers::{
        context::Context,
        registry::{Handler, Registry},
    };
    struct Stub;
    #[async_trait]
    impl Handler<CodeReview> for Stub {
        async fn run(&self, _: CodeReview, cx: &Context) -> anyhow::Result<Outcome<Review>> {
            cx.progress(1, Some(1), "stub");
            cx.output("stub\n").await;
            Ok(Outcome::Done(Review::default()))
        }
    }
    pub fn registry() -> Registry {
        Registry::new().with::<CodeReview>(Stub)
    }
}
