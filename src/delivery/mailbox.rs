use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{MailError, Mailer, Message};

/// Messages that are kept; of more, the oldest go.
const KEPT: usize = 1000;

/// A mailer that keeps what it is given, for demos and tests to read. Clones share one box.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Mutex<VecDeque<Message>>>);

impl Mailbox {
    /// All messages, oldest first; at most the last thousand.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().iter().cloned().collect()
    }

    /// The messages to this address, oldest first.
    pub fn messages_to(&self, address: &str) -> Vec<Message> {
        self.lock().iter().filter(|message| message.to == address).cloned().collect()
    }

    /// Empties the box.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let mut messages = self.lock();
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(message.clone());
        Ok(())
    }
}
