//! Registries that misbehave, played by a few lines: each ends with an error that says what happened,
//! and none with a panic or a wait without end.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use common::transform;
use serde_json::{Value, json};
use zenith_core::PackageName;
use zenith_registry::package;
use zenith_registry_oci::{Credentials, Package, Remote, RemoteError, RemoteOptions, artefact};

/// A status line with headers, and a body.
type Answer = (String, Vec<u8>);

/// A server that answers each request, by its method and path, and then closes. It runs until the
/// process ends.
fn server(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(stream, &*answer));
        }
    });
    host
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str, &str) -> Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header.trim().is_empty() {
            break;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    let mut words = request.split(' ');
    let (head, body) = answer(words.next()?, words.next()?);
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).ok()?;
    stream.write_all(&body).ok()
}

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    ("200 OK".to_owned(), body.into())
}

fn remote(host: &str) -> Remote {
    let options = RemoteOptions {
        plain_http: true,
        connect_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_millis(500),
        question_timeout: Duration::from_secs(2),
        ..RemoteOptions::default()
    };
    Remote::new(host.parse().unwrap(), options)
}

/// The error of pulling `acme:sepia@1.0.0`, which must not take long.
fn error(host: &str) -> RemoteError {
    let started = Instant::now();
    let error = remote(host).pull(&"acme:sepia@1.0.0".parse().unwrap(), None, &mut |_| {}).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let shown = error.to_string();
    assert!(shown.chars().count() < 600 && !shown.contains(char::is_control), "{shown}");
    error
}

/// The error where the registry has this manifest, and blobs as given.
fn error_of(manifest: impl Into<Vec<u8>>, blob: impl Into<Vec<u8>>) -> RemoteError {
    let (manifest, blob) = (manifest.into(), blob.into());
    let answer = move |_: &str, path: &str| match path {
        "/v2/acme/sepia/manifests/1.0.0" => ok(manifest.clone()),
        path if path.starts_with("/v2/acme/sepia/blobs/") => ok(blob.clone()),
        _ => ok(Vec::new()),
    };
    error(&server(answer))
}

fn sound() -> (Value, Vec<u8>, Vec<u8>) {
    let bytes = transform("acme:sepia", "1.0.0", "");
    let info = package::read(&bytes).unwrap();
    let (name, version) = ("acme:sepia".parse().unwrap(), "1.0.0".parse().unwrap());
    let written = artefact::write(&name, &version, &info, &bytes, None).unwrap();
    (serde_json::from_slice(&written.manifest).unwrap(), written.config, bytes)
}

#[test]
fn nobody_there_is_said_with_the_registry_s_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let refused = error(&host);
    assert_eq!(
        refused.to_string(),
        format!("cannot reach the registry `{host}`: Connection refused (os error 111)")
    );
    assert!(refused.hint().is_some());
    let unknown = error("no-such-host.invalid:5000");
    assert!(matches!(unknown, RemoteError::Unreachable { .. }), "{unknown:?}");
}

#[test]
fn a_registry_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let silent = error(&host);
    assert!(matches!(silent, RemoteError::TimedOut { .. }), "{silent:?}");
    assert_eq!(silent.to_string(), format!("the registry `{host}` did not answer within 0.5 s"));
}

#[test]
fn an_answer_that_drips_for_ever_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
                while stream.write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(100));
                }
            });
        }
    });
    let dripping = error(&host);
    assert!(matches!(dripping, RemoteError::TimedOut { .. }), "{dripping:?}");
}

#[test]
fn answers_that_are_no_registry_s_are_called_so() {
    for (status, body) in [
        ("200 OK", "<html>a login page</html>"),
        ("200 OK", ""),
        ("200 OK", "[]"),
        ("500 Oops", "\u{1b}[2Jred alert"),
        ("418 I'm a teapot", "short and stout"),
        ("204 No Content", ""),
        ("300 Multiple Choices", ""),
    ] {
        let host = server(move |_, _| (status.to_owned(), body.as_bytes().to_vec()));
        let error = error(&host);
        assert!(
            matches!(
                error,
                RemoteError::Artefact { .. } | RemoteError::Nonsense { .. } | RemoteError::Failed { .. }
            ),
            "{status}: {error:?}"
        );
    }
}

#[test]
fn a_manifest_of_something_else_is_called_by_its_name() {
    let (manifest, ..) = sound();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        error_of(changed.to_string(), "").to_string()
    };
    let image = "application/vnd.oci.image.config.v1+json";
    let said = with(&|manifest| manifest["config"]["mediaType"] = json!(image));
    assert!(said.ends_with("is not a plugin: it is a container image, not a WebAssembly package"), "{said}");
    let said = with(&|manifest| *manifest = json!({"schemaVersion": 2, "manifests": []}));
    assert!(said.contains("an index of several images"), "{said}");
    let said = with(&|manifest| manifest["config"]["mediaType"] = json!("application/vnd.helm+json"));
    assert!(said.contains("an artefact of type `application/vnd.helm+json`"), "{said}");
    let said = with(&|manifest| manifest["layers"] = json!([]));
    assert!(said.contains("of 0 layers"), "{said}");
    let said = with(&|manifest| manifest["layers"][0]["digest"] = json!("sha256:../../x"));
    assert!(said.contains("`sha256:../../x` is no sha256"), "{said}");
    let said = with(&|manifest| manifest["layers"][0]["size"] = json!(-1));
    assert!(said.contains("its manifest is wrong"), "{said}");
    let said = with(&|manifest| manifest["layers"][0]["size"] = json!(u64::MAX));
    assert!(said.contains("bytes, and 536870912 are allowed"), "{said}");
    let said = with(&|manifest| manifest["schemaVersion"] = json!(1));
    assert!(said.contains("its schema version is 1"), "{said}");
}

#[test]
fn a_configuration_about_another_layer_is_refused() {
    let (mut manifest, ..) = sound();
    for (config, reason) in [
        (json!({"architecture": "wasm", "layerDigests": []}).to_string(), "it is not about the layer"),
        (json!({"architecture": "amd64", "layerDigests": []}).to_string(), "it is built for `amd64`"),
        ("{".to_owned(), "its configuration is wrong"),
    ] {
        manifest["config"]["digest"] = json!(package::digest(config.as_bytes()));
        manifest["config"]["size"] = json!(config.len());
        let error = error_of(manifest.to_string(), config);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn what_the_manifest_names_must_come_whole_and_be_a_plugin_of_that_name() {
    let (manifest, config, _) = sound();
    for (bytes, reason) in [
        (b"\0asm\x01\0\0\0".to_vec(), "it is a core WebAssembly module"),
        (transform("acme:other", "1.0.0", ""), "is another package: the package is `acme:other@1.0.0`"),
    ] {
        let digest = package::digest(&bytes);
        let config = String::from_utf8(config.clone()).unwrap();
        let before = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
        let config = config.replace(&before, &digest.to_string());
        let mut manifest = manifest.clone();
        manifest["layers"][0]["digest"] = json!(digest);
        manifest["layers"][0]["size"] = json!(bytes.len());
        manifest["config"]["digest"] = json!(package::digest(config.as_bytes()));
        let host = server(move |_, path| match path {
            path if path.contains("/manifests/") => ok(manifest.to_string()),
            path if path.ends_with(&digest.to_string()) => ok(bytes.clone()),
            path if path.contains("/blobs/") => ok(config.clone()),
            _ => ok(Vec::new()),
        });
        let error = error(&host);
        assert!(error.to_string().contains(reason), "{error}");
    }
    // The configuration in the layer's place.
    let error = error_of(manifest.to_string(), config);
    assert!(matches!(error, RemoteError::Digest { .. }), "{error:?}");
}

#[test]
fn an_upload_that_is_sent_nowhere_does_not_end_the_process() {
    // The client's library unwraps the address that an upload is to go on at, on its second way.
    for location in ["garbage", "/\u{0}", "http://", "::"] {
        let host = server(move |method, path| match (method, path) {
            ("POST", _) => (format!("202 Accepted\r\nLocation: {location}"), Vec::new()),
            ("PATCH" | "PUT", _) => (format!("200 OK\r\nLocation: {location}"), Vec::new()),
            (_, "/v2/") => ok(Vec::new()),
            _ => ("404 Not Found".to_owned(), Vec::new()),
        });
        let (name, version): (PackageName, _) = ("acme:sepia".parse().unwrap(), "1.0.0".parse().unwrap());
        let bytes = transform("acme:sepia", "1.0.0", "");
        let package = Package { name: &name, version: &version, bytes: &bytes, signature: None };
        let error = remote(&host).push(package, &mut |_| {}).unwrap_err();
        assert!(
            matches!(
                error,
                RemoteError::Nonsense { .. }
                    | RemoteError::Unreachable { .. }
                    | RemoteError::Failed { .. }
                    | RemoteError::Certificate { .. }
            ),
            "{location}: {error:?}"
        );
    }
}

#[test]
fn a_token_server_that_answers_nonsense_does_not_end_the_process() {
    for token in [r#"{"token": "a\nb"}"#, r#"{"token": "é"}"#, "{}", "", "[1]"] {
        let realm = server(move |_, _| ok(token));
        let host = server(move |_, _| {
            let challenge = format!("Bearer realm=\"http://{realm}/token\",service=\"x\"");
            (format!("401 Unauthorized\r\nWWW-Authenticate: {challenge}"), Vec::new())
        });
        let error = error(&host);
        assert!(
            matches!(
                error,
                RemoteError::Token { .. } | RemoteError::Nonsense { .. } | RemoteError::Unauthorized { .. }
            ),
            "{token}: {error:?}"
        );
    }
}

#[test]
fn credentials_do_not_cross_the_network_in_clear() {
    let credentials = Credentials::Token("secret".to_owned());
    let options = RemoteOptions { plain_http: true, credentials, ..RemoteOptions::default() };
    let remote = Remote::new("registry.invalid".parse().unwrap(), options);
    let error = remote.pull(&"acme:sepia".parse().unwrap(), None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::InClear { .. }), "{error:?}");
}
