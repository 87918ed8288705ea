//! The archive in a bucket of S3, whose server checks signatures: sessions go there and come back, and whoever cannot get
//! there is told why.

use crate::{
    archive::{Said, read, talk},
    fleet::Fleet,
    servers::Server,
    support::{Ran, finish},
};
use flotilla_jobs::SessionId;
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use std::path::{Path, PathBuf};

const BUCKET: &str = "archive";
/// Below a prefix that has to be spelled in another way in an address.
const PREFIX: &str = "of flotilla/one";
const SESSIONS: usize = 5;
/// Who asks for things before anybody has a key.
const NOBODY: &str =
    "AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x";
const FORM: &str = "application/x-www-form-urlencoded";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

/// A server with a bucket, and who may use it.
struct Bucket {
    server: Server,
    http: Client,
    key: String,
    secret: String,
}

impl Bucket {
    async fn new() -> Self {
        let server = Server::s3(moto());
        let http = Client::new();
        let iam = async |fields: &str| {
            let body = format!("{fields}&UserName=flotilla&Version=2010-05-08");
            let ask = http.post(server.url()).header(AUTHORIZATION, NOBODY).header(CONTENT_TYPE, FORM).body(body);
            ask.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
        };
        iam("Action=CreateUser").await;
        iam(&format!("Action=PutUserPolicy&PolicyName=all&PolicyDocument={POLICY}")).await;
        let made = iam("Action=CreateAccessKey").await;
        let field = |name: &str| {
            let (_, rest) = made.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let (key, secret) = (field("AccessKeyId"), field("SecretAccessKey"));
        let bucket = http.put(format!("{}/{BUCKET}", server.url())).send().await.unwrap();
        bucket.error_for_status().unwrap();
        let bucket = Self { server, http, key, secret };
        bucket.check("0").await;
        bucket
    }

    /// From now on, and after so many requests, every signature is checked.
    async fn check(&self, after: &'static str) {
        let checks = self.http.post(format!("{}/moto-api/reset-auth", self.server.url())).body(after);
        checks.send().await.unwrap().error_for_status().unwrap();
    }

    /// Runs a command on the archive `to`.
    fn run(&self, fleet: &Fleet, to: &str, secret: &str, args: &[&str]) -> Ran {
        let mut command = fleet.home.command(args);
        command.env("AWS_ENDPOINT", self.server.url()).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_ACCESS_KEY_ID", &self.key).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env("FLOTILLA_SESSIONS__ARCHIVE_URL", to);
        finish(command)
    }

    /// As it should be done.
    fn well(&self, fleet: &Fleet, args: &[&str]) -> Ran {
        self.run(fleet, &url(), &self.secret, args).exits(0)
    }

    /// The names in it.
    async fn names(&self) -> Vec<String> {
        self.check("inf").await;
        let list = format!("{}/{BUCKET}?list-type=2", self.server.url());
        let text = self.http.get(list).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        self.check("0").await;
        text.split("<Key>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
    }
}

/// Where scripts/test installs it.
fn moto() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("moto/bin")
}

fn url() -> String {
    format!("s3://{BUCKET}/{PREFIX}")
}

#[tokio::test]
async fn sessions_go_to_a_bucket_and_come_back() {
    let (fleet, bucket) = (Fleet::file(), Bucket::new().await);
    fleet.home.run(&["sessions", "ls"]).exits(0);
    let store = fleet.place.store(&fleet.home).await;
    let said = talk(&*store, SESSIONS).await;
    let [exported, restored, deleted, shown, left] = ids(&said);

    let doctor = bucket.run(&fleet, &url(), &bucket.secret, &["doctor"]).stdout;
    assert!(doctor.contains("an object was written, read and removed"), "{doctor}");
    assert_eq!(bucket.names().await, [""; 0]);

    let ran = bucket.well(&fleet, &["sessions", "archive", "--idle", "0", "--json"]);
    assert_eq!(ran.json()["count"], SESSIONS, "{}", ran.stderr);
    let names = bucket.names().await;
    assert_eq!(names.len(), SESSIONS, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with(&format!("{PREFIX}/sessions/"))), "{names:?}");
    let listed = bucket.well(&fleet, &["sessions", "ls"]).stdout;
    assert_eq!(listed.matches("archived").count(), SESSIONS, "{listed}");
    assert!(read(&*store, left).await.is_err(), "its entries are on record");

    let lines = bucket.well(&fleet, &["sessions", "export", &exported.to_string()]).stdout;
    assert_eq!(lines.lines().skip(1).collect::<Vec<_>>(), said[&exported]);
    bucket.well(&fleet, &["sessions", "restore", &restored.to_string()]);
    bucket.well(&fleet, &["sessions", "delete", &deleted.to_string(), "--yes"]);
    let words = bucket.well(&fleet, &["sessions", "show", &shown.to_string()]).stdout;
    assert!(words.contains("what about"), "{words}");
    for id in [exported, restored, shown] {
        assert_eq!(read(&*store, id).await.unwrap(), said[&id]);
    }
    // What came back, and what was deleted, is not kept there.
    let names = bucket.names().await;
    assert!(names.len() == 1 && names[0].contains(&left.to_string()), "{names:?}");
    store.close().await;
}

#[tokio::test]
async fn who_cannot_get_to_a_bucket_is_told_why() {
    let (fleet, bucket) = (Fleet::file(), Bucket::new().await);
    fleet.home.run(&["sessions", "ls"]).exits(0);
    let store = fleet.place.store(&fleet.home).await;
    let said = talk(&*store, SESSIONS).await;
    let [stays, goes, ..] = ids(&said);
    let (stays_id, goes_id) = (stays.to_string(), goes.to_string());
    bucket.well(&fleet, &["sessions", "archive", &goes_id]);

    let wrong_secret = "not-the-secret-of-this-key";
    for (to, secret, words, fix) in [
        ("s3://nowhere/x", bucket.secret.as_str(), "NoSuchBucket", "make the bucket"),
        (url().as_str(), wrong_secret, "SignatureDoesNotMatch", "correct the credentials"),
    ] {
        let ran = bucket.run(&fleet, to, secret, &["doctor"]).exits(3);
        assert!(ran.stdout.contains(words) && ran.stdout.contains(fix), "{}", ran.stdout);
        assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
        let ran = bucket.run(&fleet, to, secret, &["sessions", "archive", &stays_id]).exits(3);
        assert!(ran.stderr.contains(words) && !ran.stderr.contains(secret), "{}", ran.stderr);
        let ran = bucket.run(&fleet, to, secret, &["sessions", "export", &goes_id]);
        assert!(ran.code != 0 && !ran.stdout.contains("what about"), "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(read(&*store, stays).await.unwrap(), said[&stays], "what did not go is on record");

    bucket.server.kill();
    let doctor = bucket.run(&fleet, &url(), &bucket.secret, &["doctor"]).exits(3).stdout;
    assert!(doctor.contains("see whether the place can be reached"), "{doctor}");
    let ran = bucket.run(&fleet, &url(), &bucket.secret, &["sessions", "export", &goes_id]).exits(3);
    assert!(ran.stderr.contains("archive"), "{}", ran.stderr);
    store.close().await;
}

fn ids(said: &Said) -> [SessionId; SESSIONS] {
    said.keys().copied().collect::<Vec<_>>().try_into().unwrap()
}
