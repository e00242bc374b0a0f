//! The name of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The idempotency key of a job: at most 128 letters, digits, `.`, `_` and `-`, the first a letter or digit.
///
/// It names files and objects, so it can hold nothing that means something to a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct JobId(String);

impl JobId {
    pub fn parse(text: &str) -> Option<JobId> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        (begins_well && text.len() <= 128 && text.chars().all(fits)).then(|| JobId(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JobId {
    type Error = String;

    fn try_from(text: String) -> Result<JobId, String> {
        JobId::parse(&text).ok_or_else(|| "not a job id: use letters, digits, '.', '_' and '-'".to_owned())
    }
}

impl std::str::FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<JobId, String> {
        JobId::try_from(text.to_owned())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
