//! `sogep doctor` and `sogep healthcheck`.

use std::{net::SocketAddr, time::Duration};

use sea_orm::EntityTrait;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Failure, mail_settings, say};
use crate::{
    config::Config,
    crypto::Secrets,
    db::Db,
    entity::signing_key,
    mail::Mailer,
    search::{self, Index, Stats},
};

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Shows the configuration and what is wrong with it. Changes nothing but what must be there to look:
/// it opens the database as `serve` would.
pub async fn doctor(config: Config, json: bool) -> Result<(), Failure> {
    let mut findings: Vec<(&str, Result<String, String>)> = Vec::new();
    let secret = Secrets::load(&config).map(|_secrets| "usable".to_owned());
    findings.push(("secret", secret.map_err(|error| error.to_string())));
    match Db::connect(&config).await {
        Err(error) => findings.push(("database", Err(error.to_string()))),
        Ok(db) => {
            let kind = if db.is_postgres() { "PostgreSQL" } else { "SQLite" };
            findings.push(("database", Ok(format!("{kind}, reachable and writable"))));
            if let (Ok(keys), Ok(secrets)) =
                (signing_key::Entity::find().all(db.reader()).await, Secrets::load(&config))
            {
                let all_open =
                    keys.iter().all(|key| secrets.open(&key.sealed_private_key, &key.kid).is_some());
                let wrong =
                    "the signing keys do not open: this is not the master secret they were sealed with";
                let right = || "the signing keys open under the master secret".to_owned();
                findings.push(("signing keys", all_open.then(right).ok_or_else(|| wrong.to_owned())));
            }
            findings.push((
                "schema",
                match db.is_current().await {
                    Ok(true) => Ok("up to date".to_owned()),
                    Ok(false) => Err("out of date: run `sogep migrate`".to_owned()),
                    Err(error) => Err(error.to_string()),
                },
            ));
        }
    }
    findings.push(("search index", search_index(&config)));
    let mail = Mailer::new(mail_settings(&config)).map(|_mailer| "usable".to_owned());
    findings.push(("mail", mail.map_err(|error| error.to_string())));
    if !config.listen.ip().is_loopback() {
        if config.base_url.starts_with("http:") {
            let advice = "other machines can reach the service without TLS: put a proxy before it and set `base_url` to its https address";
            findings.push(("listen", Err(advice.to_owned())));
        }
        if config.trusted_proxies.is_empty() {
            let advice = "no proxy is named: behind one, all visitors have its address, and share its limits";
            findings.push(("trusted_proxies", Err(advice.to_owned())));
        }
    }
    if let Some(admin) = config.admin_listen.filter(|admin| !admin.address.ip().is_loopback()) {
        let advice =
            format!("{} asks for no credential: only your monitoring should reach it", admin.address);
        findings.push(("admin_listen", Ok(advice)));
    }
    let failed = findings.iter().filter(|(_, finding)| finding.is_err()).count();
    if json {
        let settings: Map<String, Value> =
            config.shown().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let findings: Vec<Value> = findings
            .iter()
            .map(|(name, finding)| {
                let (ok, text) = match finding {
                    Ok(text) => (true, text),
                    Err(text) => (false, text),
                };
                json!({ "check": name, "ok": ok, "finding": text })
            })
            .collect();
        say(&json!({ "settings": settings, "checks": findings }).to_string())?;
    } else {
        for (name, value) in config.shown() {
            say(&format!("{name:<22}{value}"))?;
        }
        say("")?;
        for (name, finding) in &findings {
            match finding {
                Ok(text) => say(&format!("ok     {name}: {text}"))?,
                Err(text) => say(&format!("WRONG  {name}: {text}"))?,
            }
        }
    }
    if failed > 0 {
        return Err(Failure::Refused(format!("{failed} things are wrong")));
    }
    Ok(())
}

/// How the search index is. It is derived data: one that is damaged is made anew.
fn search_index(config: &Config) -> Result<String, String> {
    let folder = config.data_dir.join("index");
    if !folder.exists() {
        return Ok("not made yet; `sogep serve` makes it".to_owned());
    }
    match Index::open(&folder, search::FINGERPRINT) {
        Ok(index) => {
            let Stats { entries, rows, bytes } = index.stats();
            let place = index.position().map_or(0, |position| position.change);
            Ok(format!("{entries} entries, {rows} texts, {bytes} bytes, up to change {place}"))
        }
        Err(search::Error::Busy) => {
            Ok("in use by the running service; its metrics tell size and lag".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Asks the service at the configured address whether it is ready.
pub async fn healthcheck(config: &Config) -> Result<(), Failure> {
    let mut address: SocketAddr = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let failed = |error| Failure::Io(address.to_string(), error);
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
    };
    let status = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(failed)?,
        Err(_elapsed) => return Err(Failure::Refused(format!("{address} did not answer in time"))),
    };
    if status.split(' ').nth(1) == Some("200") {
        return say("ready");
    }
    Err(Failure::Refused(format!("{address} is not ready: {status}")))
}
