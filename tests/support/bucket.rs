//! A bucket of the S3 server as its owner sees it.

use std::{
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    operation::head_object::HeadObjectOutput,
    primitives::ByteStream,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::services::s3_server;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads can be started"));

/// Runs what is asynchronous to its end.
pub fn wait<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// A bucket that one test has for itself.
pub struct TestBucket {
    pub name: String,
    client: Client,
}

impl TestBucket {
    pub fn new() -> TestBucket {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let client = client();
        wait(client.create_bucket().bucket(&name).send()).expect("the owner may make buckets");
        TestBucket { name, client }
    }

    /// The keys of all objects, in order.
    pub fn keys(&self) -> Vec<String> {
        let page = wait(self.client.list_objects_v2().bucket(&self.name).send()).expect("the owner may list");
        assert_ne!(page.is_truncated(), Some(true), "no test makes so many objects");
        page.contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect()
    }

    /// The keys of multipart uploads that nobody completed or aborted.
    pub fn unfinished(&self) -> Vec<String> {
        let page = wait(self.client.list_multipart_uploads().bucket(&self.name).send()).expect("the owner may list");
        page.uploads()
            .iter()
            .map(|upload| upload.key().unwrap().to_owned())
            .collect()
    }

    pub fn head(&self, key: &str) -> HeadObjectOutput {
        wait(self.client.head_object().bucket(&self.name).key(key).send()).expect("the object is there")
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        wait(async {
            let object = self.client.get_object().bucket(&self.name).key(key).send().await;
            let body = object.expect("the object is there").body.collect().await;
            body.expect("it can be read to its end").to_vec()
        })
    }

    pub fn put(&self, key: &str, bytes: Vec<u8>) {
        let request = self.client.put_object().bucket(&self.name).key(key);
        wait(request.body(ByteStream::from(bytes)).send()).expect("the owner may write");
    }

    pub fn delete(&self, key: &str) {
        wait(self.client.delete_object().bucket(&self.name).key(key).send()).expect("the owner may delete");
    }

    /// Sets the bucket's policy; the statements speak of it as `BUCKET`.
    pub fn set_policy(&self, statements: &Value) {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
        let text = policy.to_string().replace("BUCKET", &self.name);
        let request = self.client.put_bucket_policy().bucket(&self.name).policy(text);
        wait(request.send()).expect("the owner may set a policy");
    }

    pub fn remove_policy(&self) {
        wait(self.client.delete_bucket_policy().bucket(&self.name).send()).expect("the owner may remove the policy");
    }

    /// Lets the bucket take so many bytes in all.
    pub fn set_quota(&self, bytes: &str) {
        let bucket = format!("--bucket={}", self.name);
        radosgw_admin(&[
            "quota",
            "set",
            "--quota-scope=bucket",
            &bucket,
            &format!("--max-size={bytes}"),
        ]);
        radosgw_admin(&["quota", "enable", "--quota-scope=bucket", &bucket]);
    }
}

pub fn endpoint() -> String {
    format!("http://127.0.0.1:{}", s3_server().port)
}

fn client() -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint())
        .force_path_style(true)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("OWNERKEY", "ownersecret", None, None, "tests"))
        .build();
    Client::from_conf(config)
}

fn radosgw_admin(args: &[&str]) {
    let output = Command::new("radosgw-admin")
        .args(args)
        .env("CEPH_CONF", s3_server().folder.join("ceph.conf"))
        .output()
        .expect("radosgw-admin is installed");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "radosgw-admin {args:?}: {complaints}");
}
