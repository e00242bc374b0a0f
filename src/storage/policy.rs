//! The IAM side of what is asked of a bucket.

use serde_json::{Value, json};

use super::{Action, Encryption, S3Destination};

impl Action {
    /// The permission that the operation takes ("Actions, resources, and condition keys for Amazon S3").
    pub fn iam(self) -> &'static str {
        match self {
            Action::PutObject
            | Action::CreateMultipartUpload
            | Action::UploadPart
            | Action::CompleteMultipartUpload => "s3:PutObject",
            Action::GetObject | Action::HeadObject => "s3:GetObject",
            Action::DeleteObject => "s3:DeleteObject",
            Action::AbortMultipartUpload => "s3:AbortMultipartUpload",
            Action::ListObjects => "s3:ListBucket",
            Action::ListMultipartUploads => "s3:ListBucketMultipartUploads",
        }
    }
}

/// The smallest policy that lets a job deliver, and check-storage clean up after itself.
pub fn smallest(destination: &S3Destination, prefix: &str) -> Value {
    let mut actions = vec![
        "s3:PutObject",
        "s3:GetObject",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
    ];
    if !destination.options.tags.is_empty() {
        actions.push("s3:PutObjectTagging");
    }
    let mut statements = vec![json!({
        "Effect": "Allow",
        "Action": actions,
        "Resource": resource(destination, prefix),
    })];
    if let Some(Encryption::Kms { key_id }) = &destination.options.encryption {
        statements.push(json!({
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": key_id.as_deref().unwrap_or("*"),
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The objects of the destination, as an Amazon resource name.
pub fn resource(destination: &S3Destination, prefix: &str) -> String {
    let below = if prefix.is_empty() {
        "*".to_owned()
    } else {
        format!("{prefix}/*")
    };
    format!("arn:aws:s3:::{}/{below}", destination.location)
}
