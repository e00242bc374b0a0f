//! A bounded pool of canvases: composing waits here when encoding cannot keep up, so memory stays bounded.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use crate::{
    av::{AvError, Picture},
    media::Size,
};

/// A picture and what its background was last painted for.
pub struct Canvas {
    pub picture: Picture,
    /// The ground that it carries; tiles paint over all of their own place.
    pub painted_for: Option<usize>,
}

pub struct CanvasPool {
    size: Size,
    shared: Arc<Shared>,
}

/// A canvas on loan; goes back to its pool when dropped.
pub struct Lease {
    canvas: Option<Canvas>,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    free: Vec<Canvas>,
    /// How many more may still be made.
    unmade: usize,
}

impl CanvasPool {
    /// At most `limit` canvases ever exist; each is made when first needed.
    pub fn new(size: Size, limit: usize) -> CanvasPool {
        let state = Mutex::new(State {
            free: Vec::new(),
            unmade: limit.max(1),
        });
        CanvasPool {
            size,
            shared: Arc::new(Shared {
                state,
                returned: Condvar::new(),
            }),
        }
    }

    /// A canvas, as soon as there is one.
    pub fn lease(&self) -> Result<Lease, AvError> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(canvas) = state.free.pop() {
                return Ok(Lease {
                    canvas: Some(canvas),
                    shared: Arc::clone(&self.shared),
                });
            }
            if state.unmade > 0 {
                state.unmade -= 1;
                let canvas = Canvas {
                    picture: Picture::new(self.size)?,
                    painted_for: None,
                };
                return Ok(Lease {
                    canvas: Some(canvas),
                    shared: Arc::clone(&self.shared),
                });
            }
            state = self.shared.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Deref for Lease {
    type Target = Canvas;

    fn deref(&self) -> &Canvas {
        self.canvas
            .as_ref()
            .expect("a lease holds its canvas until it is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Canvas {
        self.canvas
            .as_mut()
            .expect("a lease holds its canvas until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free.extend(self.canvas.take());
        self.shared.returned.notify_one();
    }
}
