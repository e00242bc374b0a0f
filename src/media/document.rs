//! Reading a JSON document of known shape: every fault at once, each with its JSON path.

use std::fmt;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One thing that is wrong, and where (RFC 6901 JSON pointer).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub path: String,
    pub what: String,
}

/// Whether faults quote what they complain about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Shown,
    /// There may be secrets among them.
    Hidden,
}

/// A document that could be read, and fields of it that mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    pub document: T,
    pub warnings: Vec<String>,
}

impl Fault {
    pub fn new(path: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault {
            path: path.into(),
            what: what.into(),
        }
    }
}

/// Parses text as JSON.
pub fn parse(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::new("", format!("not JSON: {error}")))
}

/// Takes `value` for a `T`. Unknown fields are ignored with a warning.
pub fn read<T: DeserializeOwned + JsonSchema>(value: &Value, values: Values) -> Result<Read<T>, Vec<Fault>> {
    let faults = shape_faults(value, &schemars::schema_for!(T).to_value(), values);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut warnings = Vec::new();
    let document = serde_ignored::deserialize(value, |path| warnings.push(format!("{path}: unknown field, ignored")));
    match document {
        Ok(document) => Ok(Read { document, warnings }),
        Err(error) => Err(vec![Fault::new(
            "",
            match values {
                Values::Shown => error.to_string(),
                Values::Hidden => "does not have the shape of its schema".to_owned(),
            },
        )]),
    }
}

/// What the schema finds: missing fields, wrong types, times that are none.
fn shape_faults(value: &Value, schema: &Value, values: Values) -> Vec<Fault> {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("the schema generated from our own types is a valid schema");
    let mut faults: Vec<Fault> = validator
        .iter_errors(value)
        .flat_map(|error| faults_of(&error, values))
        .collect();
    faults.sort();
    faults
}

/// What is wrong with something that may be of several shapes is what is wrong with it as the one that its tag names.
fn faults_of(error: &ValidationError<'_>, values: Values) -> Vec<Fault> {
    if let ValidationErrorKind::OneOfNotValid { context } = error.kind() {
        let is_another = |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Constant { .. });
        let mut meant = context.iter().filter(|errors| !errors.iter().any(is_another));
        if let (Some(errors), None) = (meant.next(), meant.next()) {
            return errors.iter().flat_map(|error| faults_of(error, values)).collect();
        }
    }
    let what = match values {
        Values::Shown => error.to_string(),
        Values::Hidden => error.masked().to_string(),
    };
    vec![Fault::new(error.instance_path().to_string(), shortened(&what))]
}

/// The validator quotes the whole offending value; a screenful is enough for anybody.
fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Faults as an error shows them, one a line.
pub fn listed(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("  {fault}"))
        .collect::<Vec<_>>()
        .join("\n")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{path}: {}", self.what)
    }
}
