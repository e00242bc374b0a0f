//! Whole plans of the sample, as snapshots: who is shown and heard when, where, and from which dump.
//!
//! A plan that changes on purpose is looked at (`INSTA_UPDATE=new`, or `cargo insta review`) before it is accepted.

mod support;

use serde_json::Value;
use support::{planned, sample};

fn plan(options: &[&str]) -> Value {
    serde_json::from_str(&planned(&sample(), options)).unwrap()
}

#[test]
fn by_default() {
    insta::assert_json_snapshot!("default", plan(&[]));
}

#[test]
fn as_a_bare_grid() {
    insta::assert_json_snapshot!("grid", plan(&["--layout", "grid"]));
}

#[test]
fn upright_and_slow() {
    insta::assert_json_snapshot!("portrait_10_fps", plan(&["--layout", "portrait", "--fps", "10"]));
}
