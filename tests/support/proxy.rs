//! A TCP proxy that fails as networks do: it cuts, refuses, goes silent and delays, and heals again.
//!
//! It runs on a thread of its own, so a test that blocks does not hold it up, and every order is in force when the
//! call returns. It knows nothing but std and tokio.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender as Reply, channel as reply},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch::{Receiver, Sender, channel},
    },
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Connections that wait to be let in.
const BACKLOG: u32 = 1_024;
/// Most bytes that travel together.
const CHUNK: usize = 64 * 1024;
/// Most chunks under way in one direction of a connection; more are left with their sender.
const UNDER_WAY: usize = 256;

/// Stands on a port of its own in front of another port of this machine. Dropping it closes everything.
pub struct Proxy {
    port: u16,
    orders: UnboundedSender<(Order, Reply<()>)>,
    open: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// A direction, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    Both,
}

#[derive(Clone, Copy)]
enum Order {
    Cut,
    Refuse,
    Hold(Way),
    HoldAfter(&'static [&'static str]),
    Delay(Way, Duration),
    Heal,
}

/// How it treats what passes in one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    hold: bool,
    delay: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flows {
    up: Flow,
    down: Flow,
    /// What makes the way down silent when it has passed up, one after the other on one connection.
    words: &'static [&'static str],
}

impl Proxy {
    /// A proxy in front of this port, through which everything passes.
    pub fn to(target: u16) -> Self {
        let (orders, received) = unbounded_channel();
        let (told, port) = reply();
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let socket = bind(0).unwrap();
                let port = socket.local_addr().unwrap().port();
                let listener = socket.listen(BACKLOG).unwrap();
                let _ = told.send(port);
                serve(port, listener, local(target), received, counted).await;
            });
        });
        Self { port: port.recv().unwrap(), orders, open, thread: Some(thread) }
    }

    /// The port to connect to instead.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections pass through it now.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Closes every connection; what was under way is lost. New ones are let in.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Closes every connection, and refuses new ones until it heals.
    pub fn refuse(&self) {
        self.order(Order::Refuse);
    }

    /// From now on nothing passes that way, not even the end of a connection, though connections stay open and new ones
    /// are let in: they are half open. What was held is delivered when it heals.
    pub fn hold(&self, way: Way) {
        self.order(Order::Hold(way));
    }

    /// As soon as a client has said these words to the server, in this order and on one connection, nothing passes down any
    /// more: the server does what it was told, and nobody hears so. Finds words that are sent in one piece.
    pub fn hold_after(&self, words: &'static [&'static str]) {
        self.order(Order::HoldAfter(words));
    }

    /// From now on whatever passes that way arrives so much later.
    pub fn delay(&self, way: Way, by: Duration) {
        self.order(Order::Delay(way, by));
    }

    /// Everything passes again, at once.
    pub fn heal(&self) {
        self.order(Order::Heal);
    }

    fn order(&self, order: Order) {
        let (done, obeyed) = reply();
        self.orders.send((order, done)).expect("the proxy runs");
        obeyed.recv().expect("the proxy obeys");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let (orders, _) = unbounded_channel();
        drop(std::mem::replace(&mut self.orders, orders));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Lets connections in and obeys, until nobody can give orders any more.
async fn serve(
    port: u16,
    listener: TcpListener,
    target: SocketAddr,
    mut orders: UnboundedReceiver<(Order, Reply<()>)>,
    open: Arc<AtomicUsize>,
) {
    let flows = channel(Flows::default()).0;
    let mut connections = JoinSet::new();
    let mut listener = Ok(listener);
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((order, done)) = order else { return };
                listener = obey(order, port, listener, &flows, &mut connections).await;
                let _ = done.send(());
            }
            Some(_) = connections.join_next() => {}
            Ok((client, _)) = accept(&listener) => {
                let (flows, open) = (flows.clone(), Counted::new(&open));
                connections.spawn(async move {
                    let _ = pass(client, target, flows).await;
                    drop(open);
                });
            }
        }
    }
}

async fn obey(
    order: Order,
    port: u16,
    listener: Result<TcpListener, TcpSocket>,
    flows: &Sender<Flows>,
    connections: &mut JoinSet<()>,
) -> Result<TcpListener, TcpSocket> {
    match order {
        Order::Cut => connections.shutdown().await,
        Order::Refuse => {
            drop(listener);
            connections.shutdown().await;
            // Bound and not listening: the port refuses, and nobody else can take it.
            return Err(bind(port).expect("the port stays ours"));
        }
        Order::Hold(way) => flows.send_modify(|flows| flows.each(way, |flow| flow.hold = true)),
        Order::HoldAfter(words) => flows.send_modify(|flows| flows.words = words),
        Order::Delay(way, by) => flows.send_modify(|flows| flows.each(way, |flow| flow.delay = by)),
        Order::Heal => {
            flows.send_replace(Flows::default());
            return listener.or_else(|socket| socket.listen(BACKLOG)).map_err(|error| panic!("port {port}: {error}"));
        }
    }
    listener
}

async fn accept(listener: &Result<TcpListener, TcpSocket>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Ok(listener) => listener.accept().await,
        Err(_) => std::future::pending().await,
    }
}

/// Passes on what either side says, until both are silent or one is gone.
async fn pass(client: TcpStream, target: SocketAddr, flows: Sender<Flows>) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut heard = 0;
    let listen = |said: &[u8]| {
        flows.send_if_modified(|flows| {
            let Some(word) = flows.words.get(heard) else { return false };
            heard += usize::from(said.windows(word.len()).any(|part| part == word.as_bytes()));
            let all = heard == flows.words.len();
            flows.down.hold |= all;
            all
        });
    };
    let up = pump(from_client, to_server, flows.subscribe(), |flows| flows.up, listen);
    let down = pump(from_server, to_client, flows.subscribe(), |flows| flows.down, |_| {});
    tokio::try_join!(up, down).map(drop)
}

/// Reads and writes apart, so that a delay costs time and not speed.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flows: Receiver<Flows>,
    this: fn(&Flows) -> Flow,
    mut listen: impl FnMut(&[u8]),
) -> io::Result<()> {
    let (put, mut get) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let reading_flows = flows.clone();
    let read = async move {
        let mut chunk = vec![0; CHUNK];
        loop {
            // A side that breaks off is one that ends: through a silent network the other would not hear the difference.
            let read = from.read(&mut chunk).await.unwrap_or(0);
            listen(&chunk[..read]);
            let due = Instant::now() + this(&reading_flows.borrow()).delay;
            // The end travels like the rest, as an empty chunk.
            if put.send((due, chunk[..read].to_vec())).await.is_err() || read == 0 {
                return io::Result::Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = get.recv().await {
            sleep_until(due).await;
            if flows.wait_for(|flows| !this(flows).hold).await.is_err() || bytes.is_empty() {
                break;
            }
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(drop)
}

impl Flows {
    fn each(&mut self, way: Way, change: impl Fn(&mut Flow)) {
        if way != Way::Down {
            change(&mut self.up);
        }
        if way != Way::Up {
            change(&mut self.down);
        }
    }
}

/// One of the connections that are open.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(all))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port of this machine; 0 for any.
fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(local(port))?;
    Ok(socket)
}
