//! A name server that knows one name, as the one inside a compose network.

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

/// Answers questions for addresses until the test process ends.
pub struct Names {
    pub port: u16,
    addresses: Arc<Mutex<Vec<Ipv4Addr>>>,
}

impl Names {
    /// Every name stands for these addresses.
    pub fn start(addresses: &[Ipv4Addr]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let addresses = Arc::new(Mutex::new(addresses.to_vec()));
        let known = Arc::clone(&addresses);
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let answer = answer(&question[..length], &known.lock().unwrap());
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { port, addresses }
    }

    /// From now on they stand for these.
    pub fn set(&self, addresses: &[Ipv4Addr]) {
        *self.addresses.lock().unwrap() = addresses.to_vec();
    }
}

/// RFC 1035, 4.1: the question, and each address under the name that was asked for, for a second.
fn answer(question: &[u8], addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut answer = question.to_vec();
    // Without the additional records of newer clients.
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    answer.truncate(end);
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[6..12].copy_from_slice(&[0, addresses.len() as u8, 0, 0, 0, 0]);
    for address in addresses {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        answer.extend(address.octets());
    }
    answer
}
