//! Receives the webhooks of httpsms with tiny_http, OpenSSL and serde_json.
//!
//! An event becomes a file before it is acknowledged, and a thread handles it afterwards: what a crash leaves behind is
//! handled after the next start. An empty file stays, so that an event that comes again is known.

use openssl::error::ErrorStack;
use openssl::symm::{decrypt, Cipher};
use openssl::{base64, hash::MessageDigest, memcmp, pkey::PKey, sha::sha256, sign::Signer};
use serde_json::{json, Value};
use std::error::Error;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};
use tiny_http::{Method, Request, Response, Server};

const MAX_BODY: u64 = 1 << 20; // bytes

fn mac(key: &str, content: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key.as_bytes())?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    signer.sign_oneshot_to_vec(content)
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && memcmp::eq(a, b)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    let padding = &"==="[..(4 - part.len() % 4) % 4];
    base64::decode_block(&(part.replace('-', "+").replace('_', "/") + padding)).ok()
}

/// None and false alike mean that the request is not genuine.
fn is_genuine(request: &Request, body: &[u8], key: &str) -> Option<bool> {
    let header = |name: &'static str| {
        let found = request.headers().iter().find(|header| header.field.equiv(name))?;
        Some(found.value.as_str())
    };
    let (signed, signature) = header("Authorization")?.strip_prefix("Bearer ")?.rsplit_once('.')?;
    if !equal(&decode(signature)?, &mac(key, signed.as_bytes()).ok()?) {
        return Some(false);
    }
    let (head, claims) = signed.split_once('.')?;
    let head: Value = serde_json::from_slice(&decode(head)?).ok()?;
    let claims: Value = serde_json::from_slice(&decode(claims)?).ok()?;
    let sent_at = header("webhook-timestamp")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() as i64;
    let content = [header("webhook-id")?.as_bytes(), b".", sent_at.as_bytes(), b".", body].concat();
    let expected = format!("v1,{}", base64::encode_block(&mac(key, &content).ok()?));
    let mut signatures = header("webhook-signature")?.split(' ');
    Some(
        head["alg"] == "HS256"
            && claims["iss"] == "api.httpsms.com"
            && claims["aud"] == json!([env::var("HTTPSMS_CALLBACK_URL").ok()?]) // exactly as the webhook has it
            && (claims["nbf"].as_i64()?..claims["exp"].as_i64()?).contains(&now)
            && (now - 300..=now + 300).contains(&sent_at.parse().ok()?)
            && signatures.any(|one| equal(one.as_bytes(), expected.as_bytes())),
    )
}

/// AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase.
fn decrypted(text: &str, passphrase: &str) -> Result<String, Box<dyn Error>> {
    let data = base64::decode_block(text)?;
    let iv = data.get(..16).ok_or("this is not encrypted text")?;
    let plain = decrypt(Cipher::aes_256_cfb128(), &sha256(passphrase.as_bytes()), Some(iv), &data[16..])?;
    Ok(String::from_utf8_lossy(&plain).into_owned())
}

/// Your code goes here.
fn handle(event: &Value) -> Result<(), Box<dyn Error>> {
    let data = &event["data"];
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    let note = match event["type"].as_str().unwrap_or_default() {
        "message.phone.received" => format!("{} wrote", text("contact")),
        "message.phone.sent" => "handed to the network".into(),
        "message.phone.delivered" => "arrived".into(),
        "message.send.failed" => format!("not sent: {}", text("error_message")),
        "message.send.expired" if data["is_final"] == true => "given up".into(),
        "message.send.expired" => "will be tried again".into(),
        "message.call.missed" => format!("{} called", text("contact")),
        "phone.heartbeat.offline" => format!("{} is away", text("owner")),
        "phone.heartbeat.online" => format!("{} is back", text("owner")),
        _ => return Ok(()), // newer than this receiver
    };
    let content = match env::var("HTTPSMS_ENCRYPTION_KEY") {
        Ok(passphrase) if data["encrypted"] == true => json!(decrypted(text("content"), &passphrase)?),
        _ => data["content"].clone(),
    };
    // POST /v1/messages/send answered with this message_id; request_id is what you gave it.
    let message_id = data.get("id").unwrap_or(&data["message_id"]);
    let line = json!({ "id": event["id"], "type": event["type"], "message_id": message_id,
                       "request_id": data["request_id"], "content": content, "note": note });
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn work(waiting: Receiver<PathBuf>) {
    for path in waiting {
        let handled = fs::read(&path).map_err(Into::into).and_then(|body| handle(&serde_json::from_slice(&body)?));
        if let Err(error) = handled.and_then(|()| Ok(fs::write(&path, "")?)) {
            eprintln!("{}: {error}", path.display()); // the file stays as it is: the next start tries again
        }
    }
}

/// Returns whether the id is new.
fn store(path: &Path, body: &[u8]) -> io::Result<bool> {
    let draft = path.with_file_name(format!(".{:?}", thread::current().id()));
    let _ = fs::remove_file(&draft); // of a crash: to write into it could be to write into the event it became
    let mut file = fs::File::create(&draft)?;
    file.write_all(body)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path); // complete from the moment it has its name
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        _ => linked.map(|()| true),
    }
}

fn receive(request: &mut Request, inbox: &Path, waiting: &Sender<PathBuf>) -> Result<u16, Box<dyn Error>> {
    if *request.method() != Method::Post {
        return Ok(405);
    }
    let mut body = Vec::new();
    request.as_reader().take(MAX_BODY + 1).read_to_end(&mut body)?;
    if body.len() as u64 > MAX_BODY {
        return Ok(413);
    }
    // The next key is for the time in which the signing key is replaced. A blank one would let anybody sign.
    let mut keys = ["HTTPSMS_SIGNING_KEY", "HTTPSMS_NEXT_SIGNING_KEY"].into_iter().flat_map(env::var);
    if !keys.any(|key| !key.is_empty() && is_genuine(request, &body, &key) == Some(true)) {
        return Ok(401);
    }
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = event["id"].as_str().filter(|id| (1..=64).contains(&id.len()));
    match id.filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')) {
        Some(id) if event["type"].is_string() => {
            if store(&inbox.join(id), &body)? {
                waiting.send(inbox.join(id))?;
            }
            Ok(204)
        }
        _ => Ok(400),
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    env::var("HTTPSMS_SIGNING_KEY").and(env::var("HTTPSMS_CALLBACK_URL"))?;
    let inbox = PathBuf::from(env::var("HTTPSMS_INBOX").unwrap_or_else(|_| "inbox".into()));
    fs::create_dir_all(&inbox)?;
    let (sender, receiver) = channel(); // of paths; what is in the files is not lost with it
    let mut left: Vec<_> = fs::read_dir(&inbox)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    left.sort();
    for path in left {
        let is_draft = path.file_name().map_or(true, |name| name.to_string_lossy().starts_with('.'));
        if !is_draft && path.metadata()?.len() > 0 {
            sender.send(path)?;
        }
    }
    thread::spawn(|| work(receiver));
    let server = Server::http(format!("127.0.0.1:{}", env::var("PORT").unwrap_or_else(|_| "9000".into())))?;
    thread::scope(|threads| {
        for sender in vec![sender; 8] {
            let (server, inbox) = (&server, &inbox);
            threads.spawn(move || serve(server, inbox, sender));
        }
    });
    Ok(())
}

fn serve(server: &Server, inbox: &Path, waiting: Sender<PathBuf>) {
    for mut request in server.incoming_requests() {
        let status = receive(&mut request, inbox, &waiting).unwrap_or_else(|error| {
            eprintln!("{error}");
            500 // the event comes again
        });
        let _ = request.respond(Response::empty(status)); // who has gone away gets no answer
    }
}
