//! In front of the router: what is finished is sent at once, what many ask for is made once.
//!
//! A request gets an answer here only if the router would give the same bytes: it reads, says nothing this
//! does not understand, its credential is known to be good ([`crate::cache::KnownKeys`]), its sender has
//! not asked too often, and the answer is kept ([`crate::cache`]). All else goes on to the router, which
//! knows nothing of this. On the way back, an answer that is [`Made`] for everybody is kept.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    BoxError, Router,
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::future::RouteFuture,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::BodyExt;
use tower_service::Service;

use crate::{
    app::App,
    auth,
    cache::{Accepted, Answer, Flight, Known, Landing, Made, Pilot, Target, landed},
    config::Access,
    http::{
        address::{self, ClientPrefix},
        conditional, cors,
        envelope::{self, REQUEST_ID, Route},
        limits::{self, Charge, Due, Payer},
        locale,
        peer::Refused,
        places::Class,
    },
    telemetry::{self, Answered},
};

/// How often a request waits for others that make its answer, before it makes its own.
const MOST_WAITS: usize = 3;

/// The service, ready to be called.
#[derive(Clone, Debug)]
pub struct Front {
    app: App,
    router: Router,
}

/// What a request that may be answered here asks for.
struct Asked<'a> {
    target: Target<'a>,
    accepted: Accepted,
    if_none_match: Option<&'a HeaderValue>,
    origin: Option<&'a HeaderValue>,
    /// The key, if the service asks for one.
    known: Option<Arc<Known>>,
    client: Option<ClientPrefix>,
    now: DateTime<Utc>,
}

/// What becomes of a request.
enum Fate {
    /// Here is its answer.
    Answered(Response),
    /// Its answer is kept, but its charge has to be asked for.
    Kept(Arc<Answer>, Due),
    /// Its answer is to be made, and may be kept.
    Missing,
    /// It is for the router alone.
    Routed,
}

impl Front {
    /// `router`, and before it what it has answered already.
    #[must_use]
    pub fn new(app: App, router: Router) -> Self {
        Self { app, router }
    }

    fn fate<B>(&self, request: &Request<B>, began: Instant) -> Fate {
        let Some(asked) = self.asked(request) else { return Fate::Routed };
        let Some(answer) = self.app.cache.get(&asked.target) else { return Fate::Missing };
        let Some(due) = limits::of_read(&self.app, asked.payer(), asked.client, asked.now) else {
            return Fate::Answered(self.answer(&asked, &answer, None, began));
        };
        match limits::pay_at_once(&self.app, &due) {
            Some(Ok(charge)) => Fate::Answered(self.answer(&asked, &answer, Some(charge), began)),
            // The router says how long to wait.
            Some(Err(_)) => Fate::Routed,
            None => Fate::Kept(answer, due),
        }
    }

    /// What `request` asks for, if it is one that may be answered here.
    fn asked<'a, B>(&self, request: &'a Request<B>) -> Option<Asked<'a>> {
        let app = &self.app;
        let uri = request.uri();
        let is_read = request.method() == Method::GET && uri.path().starts_with("/v1/");
        if !app.cache.is_on()
            || !is_read
            || request.extensions().get::<Refused>().is_some()
            || !app.cache.hearing.is_hearing()
        {
            return None;
        }
        let now = app.clock.now();
        let said = Said::read(request.headers())?;
        let known = match said.authorization {
            Some(value) => {
                let text = auth::bearer(value)?;
                Some(app.cache.known.get(text, now, &app.cache.hearing)?)
            }
            None if app.config.access == Access::Open => None,
            None => return None,
        };
        if let (Some(origin), Some(known)) = (said.origin, &known)
            && !known.origins.is_empty()
            && !known.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
        {
            return None;
        }
        let locale = locale::accepted(said.accept_language, &app.config);
        Some(Asked {
            target: Target::new(uri.path_and_query()?.as_str(), u8::try_from(locale).ok()?),
            accepted: said.accept_encoding.map(Accepted::read).unwrap_or_default(),
            if_none_match: said.if_none_match,
            origin: said.origin,
            known,
            client: address::client(request, &app.config.trusted_proxies).map(ClientPrefix::of),
            now,
        })
    }

    /// The kept `answer`, as it was asked for.
    fn answer(
        &self,
        asked: &Asked<'_>,
        answer: &Arc<Answer>,
        charge: Option<Charge>,
        began: Instant,
    ) -> Response {
        let app = &self.app;
        let unchanged = asked.if_none_match.and_then(|tags| answer.unchanged(tags));
        let (status, mut headers, body) = if let Some(headers) = unchanged {
            (StatusCode::NOT_MODIFIED, headers, Body::empty())
        } else {
            let (headers, bytes) = answer.whole(asked.accepted);
            (StatusCode::OK, headers, Body::from(bytes))
        };
        let mut id = [0; 32];
        let id = &*app.clock.secret_id().simple().encode_lower(&mut id);
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(REQUEST_ID, id);
        }
        match charge {
            Some(charge) => charge.write(&mut headers),
            None => limits::FIELDS.iter().for_each(|field| drop(headers.remove(field))),
        }
        if let Some(expires) = asked.known.as_ref().and_then(|known| known.expires.clone()) {
            headers.insert(envelope::KEY_EXPIRES, expires);
        }
        if let Some(origin) = asked.origin
            && (asked.is_bound() || cors::is_configured(app, origin))
        {
            cors::allow(&mut headers, origin.clone());
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        self.code(asked, answer);
        let took = began.elapsed();
        app.metrics.sent_again(Class::Content, status, &answer.took, took);
        telemetry::answered(&Answered {
            request_id: id,
            method: "GET",
            route: &answer.route,
            status: status.as_u16(),
            caller: asked.known.as_ref().map(|known| known.id),
            took,
        });
        response
    }

    /// Makes the answer in the coding that is wanted, when it is wanted again; one at a time.
    fn code(&self, asked: &Asked<'_>, answer: &Arc<Answer>) {
        if !answer.is_due(asked.accepted) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.app.cache.coder).try_acquire_owned() else { return };
        let (app, answer, key) = (self.app.clone(), Arc::clone(answer), asked.target.to_key());
        let coding = asked.accepted.best();
        tokio::task::spawn_blocking(move || {
            if let Some(coded) = answer.coded(coding) {
                app.cache.complete(key, Arc::new(coded));
            }
            drop(turn);
        });
    }

    /// The answer to a request whose answer is not kept, or not yet paid for.
    async fn made<B>(mut self, mut request: Request<B>, fate: Fate, began: Instant) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut fate = fate;
        for _ in 0..MOST_WAITS {
            match fate {
                Fate::Answered(response) => return response,
                Fate::Routed => break,
                Fate::Kept(answer, due) => {
                    let Ok(charge) = limits::pay(&self.app, &due).await else { break };
                    let Some(asked) = self.asked(&request) else { break };
                    return self.answer(&asked, &answer, Some(charge), began);
                }
                Fate::Missing => {}
            }
            let Some(key) = self.asked(&request).map(|asked| asked.target.to_key()) else { break };
            match self.app.cache.flights.board(&key) {
                Flight::Pilot(pilot) => {
                    let if_none_match = request.headers_mut().remove(header::IF_NONE_MATCH);
                    let response = self.fly(pilot, request).await;
                    return conditional::unless_known(response, &if_none_match);
                }
                Flight::Passenger(landing) => match landed(landing).await {
                    Landing::NotKept => break,
                    Landing::Kept | Landing::None => fate = self.fate(&request, began),
                },
            }
        }
        routed(&mut self.router, request).await
    }

    /// Makes an answer, and keeps it if everybody may have it.
    async fn fly<B>(&mut self, pilot: Pilot, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let seen = self.app.cache.hearing.moment();
        let mut response = routed(&mut self.router, request).await;
        let made = response.extensions_mut().remove::<Made>();
        let route = response.extensions_mut().remove::<Route>();
        let (Some(Made(sources)), Some(Route(route)), StatusCode::OK) = (made, route, response.status())
        else {
            pilot.land(Landing::NotKept);
            return response;
        };
        let (head, body) = response.into_parts();
        // It is in one piece already.
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let took = self.app.metrics.histogram("GET", &route);
        let answer = Answer::new((sources, seen), (route, took), &head.headers, &bytes);
        if let Some(answer) = answer {
            self.app.cache.keep(pilot.key().clone(), Arc::new(answer));
        }
        pilot.land(Landing::Kept);
        Response::from_parts(head, Body::from(bytes))
    }
}

impl Asked<'_> {
    fn payer(&self) -> Payer {
        self.known.as_ref().map_or(Payer::Stranger, |known| known.payer)
    }

    /// Whether the key is bound to the origin of the request, which then is the right one.
    fn is_bound(&self) -> bool {
        self.known.as_ref().is_some_and(|known| !known.origins.is_empty())
    }
}

/// The headers of a request that what is answered depends on.
#[derive(Default)]
struct Said<'a> {
    authorization: Option<&'a HeaderValue>,
    accept_encoding: Option<&'a HeaderValue>,
    accept_language: Option<&'a HeaderValue>,
    if_none_match: Option<&'a HeaderValue>,
    origin: Option<&'a HeaderValue>,
}

impl<'a> Said<'a> {
    /// None when something is said twice, or needs the router.
    fn read(headers: &'a HeaderMap) -> Option<Self> {
        let mut said = Self::default();
        for (name, value) in headers {
            let place = match *name {
                header::AUTHORIZATION => &mut said.authorization,
                header::ACCEPT_ENCODING => &mut said.accept_encoding,
                header::ACCEPT_LANGUAGE => &mut said.accept_language,
                header::IF_NONE_MATCH => &mut said.if_none_match,
                header::ORIGIN => &mut said.origin,
                header::ACCEPT if matches!(value.as_bytes(), b"*/*" | b"application/json") => continue,
                header::ACCEPT if envelope::accepts_json(headers) => continue,
                header::ACCEPT | header::CONTENT_LENGTH | header::TRANSFER_ENCODING => return None,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(said)
    }
}

async fn routed<B>(router: &mut Router, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Ok(response) = router.call(request).await;
    response
}

/// The answer to a request, at once or later.
pub enum Answering {
    /// Here it is.
    Now(Ready<Response>),
    /// The router makes it.
    Routed(Pin<Box<RouteFuture<Infallible>>>),
    /// It is made, or waited for.
    Made(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(answer) => Pin::new(answer).poll(cx).map(Ok),
            Self::Routed(answer) => answer.as_mut().poll(cx),
            Self::Made(answer) => answer.as_mut().poll(cx).map(Ok),
        }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let began = Instant::now();
        match self.fate(&request, began) {
            Fate::Answered(response) => Answering::Now(ready(response)),
            Fate::Routed => Answering::Routed(Box::pin(self.router.call(request))),
            fate => Answering::Made(Box::pin(self.clone().made(request, fate, began))),
        }
    }
}
