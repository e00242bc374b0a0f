//! Sends one file to a bucket just as a job delivers its recording: `make bench-upload` measures this.
//!
//! `upload FILE ENDPOINT BUCKET KEY`, with credentials from the environment as the AWS SDK reads them.

use std::{env, error::Error, path::PathBuf};

use tessera::storage::{LocalFile, ObjectKey, S3Bucket, S3Options, UploadJournal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [file, endpoint, bucket, key] = args.as_slice() else {
        return Err("usage: upload FILE ENDPOINT BUCKET KEY".into());
    };
    let path = PathBuf::from(file);
    let options = S3Options {
        endpoint: Some(endpoint.clone()),
        path_style: true,
        ..S3Options::default()
    };
    let file = LocalFile {
        size: path.metadata()?.len(),
        sha256: String::new(),
        content_type: "video/mp4",
        marks: [("tessera-plan".to_owned(), "none".to_owned())].into(),
        path,
    };
    let journal = UploadJournal::at(file.path.with_extension("upload.json"));
    let bucket = S3Bucket::connect(bucket, &options, None).await;
    bucket.upload(&file, &ObjectKey::new(key.as_str())?, &journal).await?;
    Ok(())
}
