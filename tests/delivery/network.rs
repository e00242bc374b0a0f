//! Networks that are slow, break off, stand still or are away for a while.

use std::{thread, time::Duration};

use crate::{
    case::{Case, KEY, outcome},
    proxy::{Proxy, Way, Weather},
    services::s3_server,
    support::Run,
};

fn proxy() -> Proxy {
    Proxy::before(s3_server().port)
}

#[test]
fn a_dump_that_breaks_off_is_fetched_on_from_there() {
    let proxy = proxy();
    let (case, dumps) = Case::from_bucket(Some(&proxy));
    let size: u64 = dumps.keys().iter().map(|key| dumps.get(key).len() as u64).sum();
    // the largest dump has 155 kB: each connection brings a piece of it
    proxy.set(Weather::Cut {
        way: Way::Down,
        bytes: 40_000,
        times: 6,
    });
    let done = case.done();
    assert_eq!(
        done["recording"]["warnings"],
        outcome(&Case::new().run())["recording"]["warnings"]
    );
    assert_eq!(proxy.cuts(), 6);
    let read = proxy.bytes(Way::Down);
    assert!(
        read < size + size / 4,
        "{read} bytes were read of {size}: nothing was resumed"
    );
    assert_eq!(case.left_in_spool(), Vec::<String>::new());
}

#[test]
fn a_recording_does_not_depend_on_how_its_dumps_came() {
    let proxy = proxy();
    let (case, _dumps) = Case::from_bucket(Some(&proxy));
    proxy.set(Weather::Slow(200_000));
    let slow = case.done()["recording"].clone();
    let fair = Case::new().done()["recording"].clone();
    assert_eq!(
        (&slow["sha256"], &slow["plan_hash"]),
        (&fair["sha256"], &fair["plan_hash"])
    );
}

#[test]
fn an_upload_that_breaks_off_is_sent_again() {
    let proxy = proxy();
    let mut case = Case::new();
    case.deliver_through(&proxy);
    // probes are smaller than this, so that it is the recording that breaks off
    proxy.set(Weather::Cut {
        way: Way::Up,
        bytes: 100_000,
        times: 3,
    });
    let done = case.done();
    assert_eq!(proxy.cuts(), 3);
    assert_eq!(case.bucket.keys(), [KEY]);
    assert_eq!(case.bucket.get(KEY).len() as u64, done["recording"]["size"]);
}

#[test]
fn a_slow_network_is_waited_for() {
    let proxy = proxy();
    let mut case = Case::new();
    case.deliver_through(&proxy);
    proxy.set(Weather::Late(Duration::from_millis(60)));
    case.done();
    assert_eq!(case.bucket.keys(), [KEY]);
}

#[test]
fn a_server_that_is_away_for_half_a_minute_is_waited_for() {
    let proxy = proxy();
    let mut case = Case::new();
    case.deliver_through(&proxy);
    proxy.set(Weather::Slow(60_000));
    let child = case.begin();
    assert!(proxy.wait_for(Way::Up, 100_000), "no upload began");
    proxy.set(Weather::Refuse);
    thread::sleep(Duration::from_secs(30));
    proxy.set(Weather::Fair);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(outcome(&run)["state"], "delivered");
    assert_eq!(case.bucket.keys(), [KEY]);
}

#[test]
fn a_source_that_is_away_is_waited_for_too() {
    let proxy = proxy();
    let (case, _dumps) = Case::from_bucket(Some(&proxy));
    proxy.set(Weather::Slow(100_000));
    let child = case.begin();
    assert!(proxy.wait_for(Way::Down, 200_000), "no dump was fetched");
    proxy.set(Weather::Refuse);
    thread::sleep(Duration::from_secs(5));
    proxy.set(Weather::Fair);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(outcome(&run)["state"], "delivered");
}

#[test]
fn an_upload_that_stands_still_is_given_up_and_sent_again() {
    let proxy = proxy();
    let mut case = Case::new();
    case.deliver_through(&proxy);
    proxy.set(Weather::StandStill {
        way: Way::Up,
        bytes: 100_000,
    });
    case.done();
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(case.bucket.keys(), [KEY]);
}

#[test]
fn a_destination_that_says_nothing_is_told_as_unreachable() {
    let proxy = proxy();
    for weather in [Weather::Silent, Weather::Reset, Weather::Refuse] {
        let mut case = Case::new();
        case.deliver_through(&proxy);
        proxy.set(weather);
        case.check_storage()
            .failed_with(4, &["cannot be reached", "check endpoint and network"]);
    }
}

#[test]
fn a_destination_that_is_away_at_first_is_given_some_time() {
    let proxy = proxy();
    let mut case = Case::new();
    case.deliver_through(&proxy);
    proxy.set(Weather::Refuse);
    let child = case.begin();
    thread::sleep(Duration::from_secs(3));
    proxy.set(Weather::Fair);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(outcome(&run)["state"], "delivered");
}
