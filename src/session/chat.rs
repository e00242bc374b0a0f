//! Text messages of a session: a list in the manifest, or a CSV file as the platform exports it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::{PeerId, WallTime};

/// A message that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatMessage {
    pub at: WallTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<PeerId>,
    /// Default: the peer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub message: String,
}

/// The first line of an export, …
const HEADING: &str = "SenderPeerID,SenderName,SenderUserID,Roles,SentAt,Type,Message";
/// … and what of it must be there.
const NEEDED: [&str; 2] = ["SentAt", "Message"];

/// A line of the platform's export; what else it has does not matter here.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "SenderPeerID", default)]
    peer_id: String,
    #[serde(rename = "SenderName", default)]
    name: String,
    #[serde(rename = "SentAt")]
    sent_at: String,
    #[serde(rename = "Message")]
    message: String,
}

/// Reads `SenderPeerID,SenderName,SenderUserID,Roles,SentAt,Type,Message` with its heading. Times are RFC 3339 or
/// milliseconds since 1970.
pub fn parse_chat(text: &str) -> Result<Vec<ChatMessage>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.matches('"').count() % 2 == 1 {
        return Err("a quotation mark is opened and never closed".to_owned());
    }
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|error| error.to_string())?;
    if let Some(missing) = NEEDED.iter().find(|heading| !headings.iter().any(|it| it == **heading)) {
        return Err(format!(
            "there is no column {missing}: the first line must be {HEADING}, with commas between"
        ));
    }
    let rows = reader.deserialize::<Row>().enumerate();
    rows.map(|(index, row)| {
        let wrong = |why: String| format!("message {}: {why}", index + 1);
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        Ok(ChatMessage {
            at: sent_at(row.sent_at.trim()).map_err(wrong)?,
            peer_id: given(row.peer_id).map(PeerId::new),
            name: given(row.name),
            message: row.message,
        })
    })
    .collect()
}

fn sent_at(text: &str) -> Result<WallTime, String> {
    match text.parse::<i64>() {
        Ok(millis) => Ok(WallTime::from_unix_nanos(millis.saturating_mul(1_000_000))),
        Err(_) => WallTime::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_as_they_are_written() {
        let text = format!(
            "\u{feff}{HEADING}\np1,Asha,u1,host,2026-11-20T10:00:04Z,chat,\"Hello, all\n\"\"again\"\"\"\n,,,,1795168805000,chat,late\n"
        );
        let found = parse_chat(&text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].message, "Hello, all\n\"again\"");
        assert_eq!(
            (found[0].name.as_deref(), found[0].peer_id.as_ref().map(PeerId::as_str)),
            (Some("Asha"), Some("p1"))
        );
        assert_eq!(
            (found[1].at.to_string().as_str(), &found[1].name),
            ("2026-11-20T10:00:05.000Z", &None)
        );
    }

    #[test]
    fn wrong_exports_say_where() {
        let wrong = parse_chat(&format!("{HEADING}\np1,Asha,u1,host,soon,chat,Hi\n")).unwrap_err();
        assert!(wrong.contains("message 1") && wrong.contains("soon"), "{wrong}");
        for headless in ["", "a,b\n1,2\n", "p1,Asha,u1,host,2026-11-20T10:00:04Z,chat,Hi\n"] {
            assert!(parse_chat(headless).unwrap_err().contains(HEADING));
        }
        let open = parse_chat(&format!(
            "{HEADING}\np1,Asha,u1,host,1,chat,\"Hi\np1,Asha,u1,host,2,chat,Ho\n"
        ));
        assert!(open.unwrap_err().contains("quotation mark"));
        assert_eq!(parse_chat(HEADING), Ok(Vec::new()));
    }
}
