//! `sogep serve`.

use std::{
    future::pending,
    io::Write,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{Failure, account, exchange, open, say};
use crate::{
    app::App,
    auth::{Caller, Scope},
    config::{AdminListen, Config},
    content, crypto,
    entity::vocabulary::{AccountRole, KeyType},
    keys::{self, NewKey},
    metrics, router,
    server::{self, Limits},
    synonyms, telemetry, trail, worker,
};

/// Where the development servers of frontends run that may use the demo's publishable key.
const DEMO_ORIGINS: [&str; 3] = ["http://localhost:3000", "http://localhost:5173", "http://localhost:8000"];

pub async fn serve(mut config: Config, demo: bool) -> Result<(), Failure> {
    let addresses = [
        ("SOGEP_LISTEN", Some(config.listen)),
        ("SOGEP_ADMIN_LISTEN", config.admin_listen.map(|admin| admin.address)),
    ];
    for (name, address) in addresses {
        if demo && address.is_some_and(|address| !address.ip().is_loopback()) {
            let reason = format!(
                "--demo prints its passwords and serves on loopback only; {name} names another address"
            );
            return Err(Failure::Refused(reason));
        }
    }
    let address = config.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on {address} (`listen`)"), error))?;
    let bound = listener.local_addr().map_err(|error| Failure::Io(address.to_string(), error))?;
    let admin_listener = bind_admin(&config).await?;
    if config.base_url == format!("http://{address}") {
        config.base_url = format!("http://{bound}");
    }
    let app = open(config).await?;
    if demo {
        begin_demo(&app).await?;
    }
    content::seed_profile(&app).await?;
    synonyms::seed(&app).await?;
    say(&format!("Serving on {}  (documentation: {}/docs)", app.config.base_url, app.config.base_url))?;
    let service = router::service(&app);
    let stopped = stop_signal(app.clone())?;
    if let Some((listener, address)) = admin_listener {
        say(&format!("Metrics on http://{address}/metrics"))?;
        let router = metrics::router(&app);
        // It goes on while the service stops, so that one sees it stop.
        tokio::spawn(async move {
            server::serve(listener, router, Limits::for_watchers(), |ip| ip.is_loopback(), pending()).await;
        });
    }
    let workers = worker::start(&app);
    let proxies = app.config.trusted_proxies.clone();
    let is_trusted = move |ip: IpAddr| ip.is_loopback() || proxies.iter().any(|proxy| proxy.contains(&ip));
    server::serve(listener, service, Limits::of_this_process(), is_trusted, stopped).await;
    workers.finish().await;
    app.trail.flush().await;
    tracing::info!("stopped");
    telemetry::end();
    Ok(())
}

/// The second listener. The one of the default may fail, as it does when two services run on one
/// machine; one that somebody has named may not.
async fn bind_admin(config: &Config) -> Result<Option<(TcpListener, SocketAddr)>, Failure> {
    let Some(AdminListen { address, is_named }) = config.admin_listen else { return Ok(None) };
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match bound.await {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if is_named => {
            Err(Failure::Io(format!("cannot listen on {address} (`admin_listen`)"), error))
        }
        Err(error) => {
            tracing::warn!(
                %error,
                "there are no metrics: the default of `admin_listen`, {address}, is taken; name another, or `off`"
            );
            Ok(None)
        }
    }
}

/// Resolves when the process is told to stop; a second telling ends it at once.
fn stop_signal(app: App) -> Result<impl Future<Output = ()>, Failure> {
    let failed = |error| Failure::Io("signals".to_owned(), error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        app.drain();
        tracing::info!("stopping: requests under way are finished");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
            telemetry::end();
            std::process::exit(1);
        });
    })
}

/// Fills an empty database with sample content, an owner and keys, and says how to use them.
async fn begin_demo(app: &App) -> Result<(), Failure> {
    let path = app.config.data_dir.join("demo-credentials.json");
    if !content::is_empty(app).await? {
        let reason =
            "--demo is for an empty database, and this one holds content; serve it with `sogep serve`";
        return Err(Failure::Refused(reason.to_owned()));
    }
    if path.exists() {
        return Err(Failure::Refused(format!("{} is there already; remove it first", path.display())));
    }
    content::seed_profile(app).await?;
    exchange::load_demo(app).await?;
    let password = account::generated_password()?;
    let owner =
        account::create(app, "owner@sogep.example", AccountRole::Owner, Some("Demo".to_owned()), &password)
            .await?;
    let key = async |kind, name: &str, scopes, origins: &[&str]| {
        let new = NewKey {
            r#type: kind,
            name: name.to_owned(),
            scopes,
            partner: None,
            expires_in_days: 90,
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            networks: Vec::new(),
        };
        let tx = app.db.begin().await?;
        let (secret, _, events) = keys::create(app, &tx, &Caller::SYSTEM, new).await?;
        trail::record(&tx, app.clock.now(), events).await?;
        tx.commit().await?;
        Ok::<String, Failure>(secret)
    };
    let publishable = key(KeyType::Publishable, "Demo: publishable", Vec::new(), &DEMO_ORIGINS).await?;
    let scopes = vec![Scope::ContentRead, Scope::ContentReadPartners, Scope::ChangesRead];
    let secret = key(KeyType::Secret, "Demo: secret", scopes, &[]).await?;
    let credentials = json!({
        "base_url": app.config.base_url,
        "owner": { "email": owner.email, "password": password },
        "pk": publishable,
        "sk": secret,
    });
    keep(&path, &format!("{credentials:#}\n"))?;
    say(&format!(
        "Sample content is loaded. Sign in as {} with the password {password}\n\
         publishable key: {publishable}\nsecret key:      {secret}\nKept in {}.",
        owner.email,
        path.display()
    ))
}

fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::Io(path.display().to_string(), error);
    let mut file = crypto::private_file(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
