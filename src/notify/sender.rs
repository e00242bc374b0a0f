//! One attempt to deliver a webhook over HTTP.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use super::{
    AddressPolicy, Entry, Outcome, check_address,
    signature::{self, sign},
};
use crate::media::{Secret, TimeDelta, WallTime};

const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(15);
/// What is read of an answer, so that the connection can be used again; the rest is not.
const MOST_READ: usize = 64 << 10;

/// Who is told, as a job says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Webhook {
    #[schemars(with = "String", regex(pattern = "^https?://"))]
    pub url: Secret,
    /// `whsec_…` of Standard Webhooks. Without it webhooks are not signed.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Sent along as they are.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

/// Sends webhooks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    policy: AddressPolicy,
}

impl Sender {
    pub fn new(policy: AddressPolicy) -> Sender {
        let client = Client::builder()
            .user_agent(concat!("tessera/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            // a proxy would resolve names itself, past the guard
            .no_proxy()
            .dns_resolver(Arc::new(Guard { policy }))
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .build()
            .expect("the client's settings are fixed and valid");
        Sender { client, policy }
    }

    /// Delivers `entry` once.
    pub async fn send(&self, webhook: &Webhook, entry: &Entry, now: WallTime) -> Outcome {
        let failed = |why: String| Outcome::Failed { why };
        let request = match self.prepare(webhook, entry, now) {
            Ok(request) => request,
            Err(why) => return failed(why),
        };
        match self.client.execute(request).await {
            Ok(mut answer) => {
                let (status, wait) = (answer.status(), retry_after(answer.headers(), now));
                let mut read = 0;
                while let Ok(Some(bytes)) = answer.chunk().await {
                    read += bytes.len();
                    if read > MOST_READ {
                        break;
                    }
                }
                outcome(status, wait)
            }
            Err(error) => failed(reason(&error)),
        }
    }

    fn prepare(&self, webhook: &Webhook, entry: &Entry, now: WallTime) -> Result<reqwest::Request, String> {
        let url = Url::parse(webhook.url.expose()).map_err(|error| format!("its URL cannot be read: {error}"))?;
        // names are judged by the addresses that they resolve to, in the guard
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err("its URL names no host".into()),
        };
        if let Some(address) = literal {
            check_address(address, self.policy).map_err(|error| error.to_string())?;
        }
        let headers = headers(webhook, entry, now)?;
        let request = self.client.post(url).headers(headers).body(entry.body.clone()).build();
        request.map_err(|error| reason(&error))
    }
}

fn headers(webhook: &Webhook, entry: &Entry, now: WallTime) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &webhook.headers {
        let name: HeaderName = name
            .parse()
            .map_err(|_| format!("'{}' is no header name", name.escape_default()))?;
        let mut value =
            HeaderValue::from_str(value.expose()).map_err(|_| format!("the value of header {name} cannot be sent"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    // ours last: a customer's header must not replace them
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let text = |text: &str| HeaderValue::from_str(text).map_err(|_| "its id cannot be sent".to_owned());
    headers.insert("webhook-id", text(&entry.id)?);
    headers.insert("webhook-timestamp", text(&signature::seconds(now).to_string())?);
    if let Some(secret) = &webhook.secret {
        let signature = sign(secret, &entry.id, now, &entry.body).map_err(|error| error.to_string())?;
        headers.insert("webhook-signature", text(&signature)?);
    }
    Ok(headers)
}

fn outcome(status: StatusCode, retry_after: Option<TimeDelta>) -> Outcome {
    match status {
        StatusCode::GONE => Outcome::Gone,
        status if status.is_success() => Outcome::Accepted {
            status: status.as_u16(),
        },
        status => Outcome::Refused {
            status: status.as_u16(),
            retry_after,
        },
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: WallTime) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::from_seconds(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = TimeDelta::from_millis(date.as_millisecond() - now.unix_millis());
    Some(wait.max(TimeDelta::ZERO))
}

/// The causes of a failure without the URL, which may hold a secret.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string().escape_default().to_string(),
    }
}

/// Resolves names, and lets through only addresses that a webhook may go to.
#[derive(Debug)]
struct Guard {
    policy: AddressPolicy,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found
                .iter()
                .find_map(|address| check_address(address.ip(), policy).err());
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| check_address(address.ip(), policy).is_ok())
                .collect();
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
