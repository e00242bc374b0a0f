//! What the permission doctor found.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{Action, Fault};

/// What was found of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// Where the probes were made.
    pub destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub checks: Vec<Check>,
    /// The smallest IAM policy that would do; for folders, none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    #[serde(serialize_with = "as_text")]
    pub operation: Action,
    pub iam_action: &'static str,
    /// Whether jobs fail without it.
    pub required: bool,
    #[serde(flatten)]
    pub finding: Finding,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Finding {
    Allowed,
    Denied {
        why: String,
    },
    Unreachable {
        why: String,
    },
    /// Another operation that it builds upon did not work.
    NotTried {
        why: String,
    },
}

impl Checkup {
    /// Whether a job can deliver here.
    pub fn is_usable(&self) -> bool {
        self.refusals().next().is_none()
    }

    /// The destination with all that may be wrong about it.
    pub fn place(&self) -> String {
        let endpoint = self.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}"));
        let region = self.region.as_ref().map(|region| format!(" in region {region}"));
        [Some(self.destination.clone()), endpoint, region]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Why it is not, in few words: the same reason is given once.
    pub fn complaint(&self) -> String {
        let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
        for check in self.refusals() {
            let why = match &check.finding {
                Finding::Allowed | Finding::NotTried { .. } => continue,
                Finding::Denied { why } | Finding::Unreachable { why } => why,
            };
            let name = format!("{} ({})", check.operation, check.iam_action);
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(name),
                None => reasons.push((why.clone(), vec![name])),
            }
        }
        let lines = reasons
            .iter()
            .map(|(why, names)| format!("  {}: {why}", names.join(", ")));
        let policy = self
            .policy_needed()
            .map(|policy| format!("  the smallest policy that would do: {policy}"));
        lines.chain(policy).collect::<Vec<_>>().join("\n")
    }

    /// The smallest policy that would do, if a policy is what is missing.
    pub fn policy_needed(&self) -> Option<&Value> {
        let denied = Finding::Denied {
            why: Fault::Denied.to_string(),
        };
        self.policy
            .as_ref()
            .filter(|_| self.refusals().any(|check| check.finding == denied))
    }

    /// Whether nothing speaks against it but that it does not answer.
    pub fn is_unreachable(&self) -> bool {
        let denied = |check: &Check| matches!(check.finding, Finding::Denied { .. });
        !self.is_usable() && !self.refusals().any(denied)
    }

    /// What jobs need and do not have.
    pub fn refusals(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.required && check.finding != Finding::Allowed)
    }
}

fn as_text<S: serde::Serializer>(operation: &Action, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(operation)
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{} ({})", self.operation, self.iam_action);
        match &self.finding {
            Finding::Allowed => write!(f, "{name}: allowed"),
            Finding::Denied { why } => write!(f, "{name}: denied: {why}"),
            Finding::Unreachable { why } => write!(f, "{name}: unreachable: {why}"),
            Finding::NotTried { why } => write!(f, "{name}: not tried: {why}"),
        }
    }
}
