//! A receiver of webhooks over real HTTP, which checks signatures with the published library of Standard Webhooks.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

/// What customers share with us.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the receiver does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    Accept,
    /// Accepts after so long.
    Slow(Duration),
    /// This status, with these further headers.
    Status(u16, Vec<(&'static str, String)>),
    /// Reads the request and says nothing.
    Hang,
    /// Reads the request and closes the connection.
    CloseEarly,
    /// Accepts with a body of so many bytes.
    Talk(u64),
}

/// A webhook that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

pub struct Receiver {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The first ones for the first requests; the last one stays.
    manners: Mutex<Vec<Manner>>,
    received: Mutex<Vec<Received>>,
    talked: AtomicU64,
    ended: AtomicBool,
}

impl Receiver {
    pub fn new(manners: &[Manner]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            manners: Mutex::new(manners.to_vec()),
            ..Shared::default()
        });
        let listening = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if listening.ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&listening);
                // a sender that goes away in the middle is not this thread's fault
                thread::spawn(move || shared.answer(stream).ok());
            }
        });
        Receiver { port, shared }
    }

    pub fn accepting() -> Receiver {
        Receiver::new(&[Manner::Accept])
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub fn set(&self, manner: Manner) {
        *self.shared.manners.lock().unwrap() = vec![manner];
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Bytes of bodies that somebody took.
    pub fn talked(&self) -> u64 {
        self.shared.talked.load(Ordering::Relaxed)
    }

    /// What arrived until now as (type, id), each checked.
    pub fn events(&self) -> Vec<(String, String)> {
        let received = self.received();
        let event = |it: &Received| {
            let body = it.verified();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            (text("type"), text("id"))
        };
        received.iter().map(event).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, if the signature is right and the header's id is that of the body.
    pub fn verified(&self) -> Value {
        let library = standardwebhooks::Webhook::new(SECRET).unwrap();
        let checked = library.verify(self.body.as_bytes(), &self.headers);
        assert!(checked.is_ok(), "the signature is wrong: {checked:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["id"].as_str(), self.header("webhook-id"));
        body
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        // a connection is used for several requests
        while let Some(received) = read_request(&mut reader)? {
            self.received.lock().unwrap().push(received);
            let manner = self.next_manner();
            if !self.behave(&manner, &stream)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_manner(&self) -> Manner {
        let mut manners = self.manners.lock().unwrap();
        if manners.len() > 1 {
            manners.remove(0)
        } else {
            manners[0].clone()
        }
    }

    /// Answers, and says whether the connection stays.
    fn behave(&self, manner: &Manner, mut stream: &TcpStream) -> std::io::Result<bool> {
        match manner {
            Manner::Accept => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?,
            Manner::Slow(delay) => {
                thread::sleep(*delay);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            }
            Manner::Status(status, headers) => {
                let headers: String = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"))
                    .collect();
                let head = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n{headers}\r\n");
                stream.write_all(head.as_bytes())?;
            }
            Manner::Hang => {
                while !self.ended.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(20));
                }
                return Ok(false);
            }
            Manner::CloseEarly => return Ok(false),
            Manner::Talk(bytes) => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n").as_bytes())?;
                let block = [b'x'; 4096];
                for _ in 0..bytes / 4096 {
                    stream.write_all(&block)?;
                    self.talked.fetch_add(4096, Ordering::Relaxed);
                }
            }
        }
        Ok(true)
    }
}

/// The next request of a connection, or nothing if it was closed.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Received>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(path) = line.split(' ').nth(1).map(str::to_owned) else {
        return Ok(None);
    };
    let mut headers = http::HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let name: http::HeaderName = name.parse().expect("the sender writes header names");
        headers.insert(name, value.parse().expect("the sender writes header values"));
    }
    let length = headers
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).expect("bodies are text");
    Ok(Some(Received { path, headers, body }))
}
