//! What is fetched, and what is not, whatever names and pages lead to.

use super::*;
use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};

/// Gives each name what it is told to, and another answer each time where there are several.
#[derive(Default)]
struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut names = self.0.lock().unwrap();
        let answers = names.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let now = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(now.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

/// A server that gives what is said for a path, and counts what it is asked.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(pages: impl Fn(&str, u16) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                count.fetch_add(1, Ordering::SeqCst);
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let page = pages(path, port);
                let _ = stream.write_all(page.as_bytes()).await;
                if path == "/silent" {
                    // Held until the other side gives up.
                    let _ = stream.read_u8().await;
                }
            }
        });
        Self { port, asked, _tasks: tasks }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn page(kind: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

fn is_loopback(address: IpAddr) -> bool {
    address == IpAddr::from([127, 0, 0, 1])
}

fn tool(port: u16, names: &[(&str, &[&[&str]])]) -> HttpGet {
    let answers = |all: &[&[&str]]| all.iter().map(|one| one.iter().map(|a| a.parse().unwrap()).collect()).collect();
    let names = names.iter().map(|(name, all)| ((*name).to_owned(), answers(all))).collect();
    let hosts = [format!("http://a.example:{port}"), format!("http://b.example:{port}")];
    let settings = HttpSettings {
        hosts: Hosts::read(hosts.iter().map(String::as_str)).unwrap(),
        max_bytes: 1_000,
        timeout: Duration::from_secs(30),
        redirects: 5,
    };
    HttpGet { settings, lookup: Arc::new(Names(Mutex::new(names))), may: is_loopback }
}

async fn get(tool: &HttpGet, url: String) -> Result<String, String> {
    let arguments = json!({ "url": url });
    match tool.call(arguments.as_object().unwrap()).await {
        Ok(body) => Ok(String::from_utf8(body).unwrap()),
        Err(ToolError::Said(what)) => Err(what),
        Err(other) => panic!("{other:?}"),
    }
}

const HERE: &[&[&str]] = &[&["127.0.0.1"]];

#[tokio::test]
async fn a_page_is_read_within_bounds() {
    let server = Server::start(|path, _| match path {
        "/long" => page("application/problem+json; charset=utf-8", &"x".repeat(5_000)),
        "/image" => page("image/png", "x"),
        "/none" => "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_owned(),
        "/zip" => page("text/plain\r\ncontent-encoding: gzip", "x"),
        "/missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "/cut" => "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nx".to_owned(),
        _ => page("text/plain", "hello"),
    })
    .await;
    let tool = tool(server.port, &[("a.example", HERE)]);
    let at = |path: &str| format!("http://a.example:{}{path}", server.port);
    assert_eq!(get(&tool, at("/")).await.unwrap(), "hello");
    let long = get(&tool, at("/long")).await.unwrap();
    assert_eq!(long.len(), 1_000 + "\n[only the first 1000 bytes are read]\n".len());
    for (path, expected) in [
        ("/image", "not said to be text"),
        ("/none", "not said"),
        ("/zip", "compressed"),
        ("/missing", "404"),
        ("/cut", "broke off"),
    ] {
        let what = get(&tool, at(path)).await.unwrap_err();
        assert!(what.contains(expected), "{path}: {what}");
    }
    assert!(get(&tool, format!("{}{}", at("/"), "x".repeat(3_000))).await.unwrap_err().contains("longer"));
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let server = Server::start(|_, _| String::new()).await;
    let mut tool = tool(server.port, &[("a.example", HERE)]);
    tool.settings.timeout = Duration::from_millis(200);
    let what = get(&tool, format!("http://a.example:{}/silent", server.port)).await.unwrap_err();
    assert!(what.contains("within 200 ms"), "{what}");
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_not_followed() {
    let server = Server::start(|_, _| page("text/plain", "secret")).await;
    for inside in ["127.0.0.2", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"] {
        let tool = tool(server.port, &[("a.example", &[&["127.0.0.1", inside]])]);
        let what = get(&tool, format!("http://a.example:{}/", server.port)).await.unwrap_err();
        assert!(what.contains("not public"), "{inside}: {what}");
    }
    let real = HttpGet { may: address::is_public, ..tool(server.port, &[("a.example", HERE)]) };
    assert!(get(&real, format!("http://a.example:{}/", server.port)).await.unwrap_err().contains("not public"));
    let gone = tool(server.port, &[]);
    assert!(get(&gone, format!("http://a.example:{}/", server.port)).await.unwrap_err().contains("no address"));
    for url in [
        "http://c.example/",
        "http://127.0.0.1/",
        "http://localhost/",
        "https://a.example/",
        "a.example",
        "file:///etc/passwd",
    ] {
        get(&gone, url.to_owned()).await.unwrap_err();
    }
    assert_eq!(server.asked(), 0, "nobody was connected to");
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_a_connection() {
    // What is checked is what is connected to: a second look would lead to where nobody listens.
    let server = Server::start(|_, _| page("text/plain", "hello")).await;
    let tool = tool(server.port, &[("a.example", &[&["127.0.0.1"], &["127.0.0.9"]])]);
    assert_eq!(get(&tool, format!("http://a.example:{}/", server.port)).await.unwrap(), "hello");
    let what = get(&tool, format!("http://a.example:{}/", server.port)).await.unwrap_err();
    assert!(what.contains("not public"), "the next one is checked anew: {what}");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn redirects_are_checked_like_the_first_address() {
    let server = Server::start(|path, port| match path {
        "/good" => to(&format!("http://b.example:{port}/page")),
        "/relative" => to("/page"),
        "/page" => page("text/plain", "hello"),
        "/loop" => to("/loop"),
        "/other" => to("http://c.example/"),
        "/address" => to(&format!("http://127.0.0.1:{port}/page")),
        "/rebound" => to(&format!("http://b.example:{port}/rebound")),
        "/named" => to(&format!("http://u:p@a.example:{port}/page")),
        "/file" => to("file:///etc/passwd"),
        _ => to("http://["),
    })
    .await;
    let names: &[(&str, &[&[&str]])] = &[("a.example", HERE), ("b.example", &[&["127.0.0.1"], &["169.254.169.254"]])];
    let tool = tool(server.port, names);
    let at = |path: &str| format!("http://a.example:{}{path}", server.port);
    assert_eq!(get(&tool, at("/good")).await.unwrap(), "hello");
    assert_eq!(get(&tool, at("/relative")).await.unwrap(), "hello");
    let before = server.asked();
    for (path, expected) in [
        ("/other", "may not be asked"),
        ("/address", "does not name a host"),
        ("/rebound", "not public"),
        ("/named", "password"),
        ("/file", "does not name a host"),
        ("/broken", "cannot be read"),
    ] {
        let what = get(&tool, at(path)).await.unwrap_err();
        assert!(what.contains(expected), "{path}: {what}");
    }
    assert_eq!(server.asked(), before + 6, "only the redirect itself was asked for");
    assert!(get(&tool, at("/loop")).await.unwrap_err().contains("more than 5 times"));
    assert_eq!(server.asked(), before + 12);
}

/// Whether the other side closes the connection, in good time.
async fn closes(stream: &mut tokio::net::TcpStream) -> bool {
    let mut rest = [0; 1_024];
    let closed = async {
        while let Ok(read) = stream.read(&mut rest).await {
            if read == 0 {
                break;
            }
        }
    };
    timeout(Duration::from_mins(1), closed).await.is_ok()
}

#[tokio::test]
async fn no_connection_outlives_its_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tool = tool(port, &[("a.example", HERE)]);
    let at = format!("http://a.example:{port}/");
    // One that is answered, by a server that would keep the connection.
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let keep = page("text/plain\r\nconnection: keep-alive", "hello");
        stream.write_all(keep.as_bytes()).await.unwrap();
        stream
    };
    let (said, mut stream) = tokio::join!(get(&tool, at.clone()), serve);
    assert_eq!(said.unwrap(), "hello");
    assert!(closes(&mut stream).await);
    // One that is given up while it waits.
    let mut stream = tokio::select! {
        said = get(&tool, at) => panic!("nobody answered: {said:?}"),
        accepted = listener.accept() => accepted.unwrap().0,
    };
    assert!(closes(&mut stream).await);
}
