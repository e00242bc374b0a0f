//! Signatures of webhooks: Standard Webhooks specification, section "Signature scheme", symmetric (`v1`).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::media::{Secret, WallTime};

const PREFIX: &str = "whsec_";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is 'whsec_' and 24 to 64 bytes in base64 after it")]
pub struct SecretError;

/// Whether `secret` can sign.
pub fn check_secret(secret: &Secret) -> Result<(), SecretError> {
    key(secret).map(|_| ())
}

/// The value of the header `webhook-signature`.
pub(super) fn sign(secret: &Secret, id: &str, at: WallTime, body: &str) -> Result<String, SecretError> {
    let key = key(secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{}.{body}", seconds(at)).as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The value of the header `webhook-timestamp`: seconds since the Unix epoch.
pub(super) fn seconds(at: WallTime) -> i64 {
    at.unix_millis().div_euclid(1000)
}

fn key(secret: &Secret) -> Result<Vec<u8>, SecretError> {
    let text = secret.expose();
    let key = STANDARD
        .decode(text.strip_prefix(PREFIX).unwrap_or(text))
        .map_err(|_| SecretError)?;
    if (24..=64).contains(&key.len()) {
        Ok(key)
    } else {
        Err(SecretError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_library_takes_our_signatures() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let now = WallTime::parse(&jiff::Timestamp::now().to_string()).unwrap();
        let body = r#"{"type":"recording.success"}"#;
        let signature = sign(&Secret::new(secret), "msg_1", now, body).unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", seconds(now).to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        let verifier = standardwebhooks::Webhook::new(secret).unwrap();
        assert!(verifier.verify(body.as_bytes(), &headers).is_ok());
        assert!(verifier.verify(b"{}", &headers).is_err());
    }

    #[test]
    fn secrets_that_cannot_sign_are_told() {
        for wrong in ["", "whsec_", "whsec_short", "whsec_not base64!", "hunter2"] {
            assert!(check_secret(&Secret::new(wrong)).is_err(), "{wrong} was taken");
        }
    }
}
