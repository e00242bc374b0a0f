//! A proxy on loopback that does to connections what networks do.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Every block of bytes arrives so much later.
    Late(Duration),
    /// Bytes a second, each way.
    Slow(u64),
    /// Connections end after so many bytes this way, `times` of them; then it is fair again.
    Cut {
        way: Way,
        bytes: u64,
        times: u32,
    },
    /// Connections stand still after so many bytes that way; new ones are fair.
    StandStill {
        way: Way,
        bytes: u64,
    },
    /// Connections are accepted and nothing else ever happens.
    Silent,
    /// Connections are accepted and closed.
    Reset,
    /// Nobody listens.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// From the server.
    Down,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    weather: Mutex<Weather>,
    ended: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    cuts: AtomicU64,
}

impl Proxy {
    /// A proxy before the server at `port`.
    pub fn before(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            weather: Mutex::new(Weather::Fair),
            ended: AtomicBool::new(false),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        });
        let listening = Arc::clone(&shared);
        thread::spawn(move || listen(&listening, listener, own));
        Proxy { port: own, shared }
    }

    pub fn set(&self, weather: Weather) {
        *self.shared.weather() = weather;
    }

    /// Bytes that went to the server and came from it.
    pub fn bytes(&self, way: Way) -> u64 {
        self.shared.counter(way).load(Ordering::Relaxed)
    }

    /// Connections that were ended or brought to a stand.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }

    /// Waits until so many bytes have gone this way; false if that takes longer than a minute.
    pub fn wait_for(&self, way: Way, bytes: u64) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        while self.bytes(way) < bytes {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().expect("nobody panics while holding it")
    }

    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

fn listen(shared: &Arc<Shared>, listener: TcpListener, port: u16) {
    let mut open = Some(listener);
    while !shared.is_over() {
        let refuses = *shared.weather() == Weather::Refuse;
        match &open {
            Some(_) if refuses => open = None,
            None if !refuses => open = TcpListener::bind(("127.0.0.1", port)).ok(),
            Some(_) | None => {}
        }
        if let Some(listener) = &open {
            listener.set_nonblocking(true).expect("sockets can be set so");
            match listener.accept() {
                Ok((client, _)) => take(shared, client),
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                Err(_) => {}
            }
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn take(shared: &Arc<Shared>, client: TcpStream) {
    client.set_nonblocking(false).expect("sockets can be set so");
    if *shared.weather() == Weather::Reset {
        return;
    }
    let Ok(server) = TcpStream::connect(shared.server) else {
        return;
    };
    let pair = |client: &TcpStream, server: &TcpStream| Some((client.try_clone().ok()?, server.try_clone().ok()?));
    let Some((from_client, to_server)) = pair(&client, &server) else {
        return;
    };
    for (way, from, to) in [(Way::Up, from_client, to_server), (Way::Down, server, client)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || pass(&shared, way, from, to));
    }
}

/// Passes bytes on until an end is reached, by the weather of the moment.
fn pass(shared: &Shared, way: Way, mut from: TcpStream, mut to: TcpStream) {
    let (mut buffer, mut passed) = ([0; 16 << 10], 0);
    let _ = from.set_read_timeout(Some(Duration::from_millis(100)));
    while !shared.is_over() {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if matches!(*shared.weather(), Weather::Refuse) {
                    break;
                }
                continue;
            }
            Err(_) => break,
        };
        passed += read as u64;
        if !endures(shared, way, read as u64, passed) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        shared.counter(way).fetch_add(read as u64, Ordering::Relaxed);
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Whether the connection lives on; takes the time that the weather takes.
fn endures(shared: &Shared, way: Way, block: u64, passed: u64) -> bool {
    let weather = *shared.weather();
    match weather {
        Weather::Fair => true,
        Weather::Late(delay) => {
            thread::sleep(delay);
            true
        }
        Weather::Slow(rate) => {
            thread::sleep(Duration::from_micros(block * 1_000_000 / rate));
            true
        }
        Weather::Cut { way: cut, bytes, times } if cut == way && passed > bytes => {
            let left = Weather::Cut {
                way,
                bytes,
                times: times - 1,
            };
            *shared.weather() = if times > 1 { left } else { Weather::Fair };
            shared.cuts.fetch_add(1, Ordering::Relaxed);
            false
        }
        Weather::StandStill { way: cut, bytes } if cut == way && passed > bytes => {
            *shared.weather() = Weather::Fair;
            shared.cuts.fetch_add(1, Ordering::Relaxed);
            stand_still(shared)
        }
        Weather::Silent => stand_still(shared),
        Weather::Cut { .. } | Weather::StandStill { .. } => true,
        Weather::Reset | Weather::Refuse => false,
    }
}

fn stand_still(shared: &Shared) -> bool {
    while !shared.is_over() {
        thread::sleep(Duration::from_millis(50));
    }
    false
}
