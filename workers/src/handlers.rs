//! The handlers that come with Flotilla: one file a kind, named as in `flotilla_jobs::kinds`.
