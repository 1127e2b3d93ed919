//! Signing in: waits on this machine for the browser to come back with a code, or for a pasted one, and exchanges it for a key.

use std::{convert::Infallible, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use hyper::{Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    connect::{self, env},
    servers::ApiServer,
};
use crate::{
    api::{
        ApiError,
        sign_in::{SignIn, SignInCallback, SignInSeed},
    },
    ui::{
        Msg,
        effect::UncheckedKey,
        msg::{ConnectOutcome, SignInReport},
    },
};

/// How long a code of the server is valid, and so how long an approval is waited for.
pub const APPROVAL_LIMIT: Duration = Duration::from_mins(10);

/// How long the browser may take to read the last page.
const GOODBYE_LIMIT: Duration = Duration::from_millis(300);

/// The pages that the browser shows, and how many of their requests may wait at once.
const WAITING_CALLBACKS: usize = 4;

/// An attempt to sign in, and the listener that the browser comes back to.
pub struct SignInAttempt {
    sign_in: Arc<SignIn>,
    /// Without one, only a pasted code helps.
    listener: Option<TcpListener>,
    connections: JoinSet<()>,
    callbacks: mpsc::Receiver<SignInCallback>,
    callback_sender: mpsc::Sender<SignInCallback>,
}

/// What a wait for the code ended with.
pub enum SignInStep {
    Code(SecretString),
    Denied(String),
    TimedOut,
    /// Nobody can paste a code any more.
    Abandoned,
}

impl SignInAttempt {
    /// Prepares an attempt.
    ///
    /// # Errors
    /// One sentence: one cannot sign in to this server, or a key would not be used.
    pub async fn begin(server: &ApiServer) -> Result<Self, String> {
        let sources = server.key_places().ok_or("this server takes no key")?;
        if let Some(first) = sources.overriding_source(&env) {
            return Err(format!("the key comes from {first}, which goes first; remove it there to sign in"));
        }
        let mut seed: SignInSeed = [0; 48];
        getrandom::fill(&mut seed).map_err(|_| "this system gives no random numbers; paste a key instead")?;
        let sign_in = SignIn::new(&server.base_url, &seed);
        let sign_in = sign_in.ok_or("signing in works only with OpenRouter itself; paste a key instead")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.ok();
        let (callback_sender, callbacks) = mpsc::channel(WAITING_CALLBACKS);
        Ok(Self { sign_in: Arc::new(sign_in), listener, connections: JoinSet::new(), callbacks, callback_sender })
    }

    /// The address to open in a browser of this machine.
    pub fn browser_url(&self) -> Option<String> {
        let port = self.listener.as_ref()?.local_addr().ok()?.port();
        Some(self.sign_in.browser_url(port))
    }

    /// The address to open anywhere else, which shows a code.
    pub fn code_url(&self) -> String {
        self.sign_in.code_url()
    }

    /// Waits for the browser to come back, for a pasted code, or until the deadline.
    pub async fn next_step(
        &mut self,
        pasted: &mut mpsc::Receiver<SecretString>,
        deadline: Option<Instant>,
    ) -> SignInStep {
        let wait = self.wait_for_code(pasted);
        match deadline {
            Some(deadline) => timeout_at(deadline, wait).await.unwrap_or(SignInStep::TimedOut),
            None => wait.await,
        }
    }

    async fn wait_for_code(&mut self, pasted: &mut mpsc::Receiver<SecretString>) -> SignInStep {
        loop {
            tokio::select! {
                stream = accept(self.listener.as_ref()) => {
                    let (sign_in, sender) = (self.sign_in.clone(), self.callback_sender.clone());
                    self.connections.spawn(serve(stream, sign_in, sender));
                    while self.connections.try_join_next().is_some() {}
                }
                callback = self.callbacks.recv() => match callback {
                    Some(SignInCallback::Code(code)) => return SignInStep::Code(code),
                    Some(SignInCallback::Denied(reason)) => return SignInStep::Denied(reason),
                    Some(SignInCallback::Unknown) | None => (),
                },
                code = pasted.recv() => return code.map_or(SignInStep::Abandoned, SignInStep::Code),
            }
        }
    }

    /// Exchanges a code for a key.
    ///
    /// # Errors
    /// The code is refused or too old, or the server cannot be reached.
    pub async fn exchange(&self, server: &ApiServer, code: &SecretString) -> Result<SecretString, ApiError> {
        server.trial_client(None).await?.exchange_code(self.sign_in.exchange_body(code)).await
    }

    /// Lets the browser read its page.
    pub async fn finish(mut self) {
        let _ = timeout(GOODBYE_LIMIT, async { while self.connections.join_next().await.is_some() {} }).await;
    }
}

/// Signs in to a server for the connect screen, until a key is in use or the task is aborted.
pub(super) async fn sign_in(
    server: Arc<ApiServer>,
    mut pasted: mpsc::Receiver<SecretString>,
    config: &Path,
    inbox: mpsc::Sender<Msg>,
) -> ConnectOutcome {
    let mut attempt = match SignInAttempt::begin(&server).await {
        Ok(attempt) => attempt,
        Err(reason) => return ConnectOutcome::Failed(reason),
    };
    let report = |report: SignInReport| async { _ = inbox.send(Msg::SignInReported(report)).await }; // Fails only on shutdown.
    report(SignInReport::Ready { browser_url: attempt.browser_url(), code_url: attempt.code_url() }).await;
    let mut deadline = Some(Instant::now() + APPROVAL_LIMIT);
    loop {
        let code = match attempt.next_step(&mut pasted, deadline).await {
            SignInStep::Code(code) => code,
            SignInStep::Denied(reason) => {
                report(SignInReport::NoCode(format!("OpenRouter gave no key: {reason}"))).await;
                continue;
            }
            SignInStep::TimedOut => {
                deadline = None;
                let words = "Nobody approved it within ten minutes. Open an address again, or paste a code.";
                report(SignInReport::NoCode(words.into())).await;
                continue;
            }
            SignInStep::Abandoned => return ConnectOutcome::Failed("the sign-in was given up".into()),
        };
        report(SignInReport::HasCode).await;
        match attempt.exchange(&server, &code).await {
            Ok(key) => {
                let outcome = connect::try_key(server, key, UncheckedKey::Keep, config).await;
                attempt.finish().await;
                return outcome;
            }
            Err(error) => report(SignInReport::NoCode(refusal_words(&error))).await,
        }
    }
}

/// Says why there is no key for a code.
pub fn refusal_words(error: &ApiError) -> String {
    match error.status {
        Some(400 | 403) => "OpenRouter refused this code: it is wrong, used, or older than ten minutes.".into(),
        _ => format!("The code could not be exchanged for a key: {error}."),
    }
}

/// Accepts a connection; never ready without a listener.
async fn accept(listener: Option<&TcpListener>) -> tokio::net::TcpStream {
    loop {
        match listener {
            Some(listener) => {
                if let Ok((stream, _)) = listener.accept().await {
                    return stream;
                }
            }
            None => std::future::pending().await,
        }
    }
}

/// Answers one connection of the browser, and passes on what its request says.
async fn serve(stream: tokio::net::TcpStream, sign_in: Arc<SignIn>, sender: mpsc::Sender<SignInCallback>) {
    let service = service_fn(|request: Request<Incoming>| {
        let callback = sign_in.read_callback(&request.uri().to_string());
        let sender = sender.clone();
        async move {
            let page = callback_page(&callback);
            if !matches!(callback, SignInCallback::Unknown) {
                let _ = sender.try_send(callback); // More callbacks than one can wait for are not about a code.
            }
            Ok::<_, Infallible>(page)
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    let _ = connection.await; // A browser that hangs up is not an error.
}

/// The page that the browser shows at the end.
fn callback_page(callback: &SignInCallback) -> Response<String> {
    let (status, words) = match callback {
        SignInCallback::Code(_) => {
            (StatusCode::OK, "Signed in. ibid goes on in the terminal; you can close this page.")
        }
        SignInCallback::Denied(_) => {
            (StatusCode::OK, "Not signed in. ibid says more in the terminal; you can close this page.")
        }
        SignInCallback::Unknown => (StatusCode::NOT_FOUND, "There is nothing at this address."),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>ibid</title>\
         <style>body{{font:1.1rem system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}}</style>\
         <h1>ibid</h1><p>{words}</p></html>\n"
    );
    let mut response = Response::new(page);
    *response.status_mut() = status;
    let html = header::HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    // The code is in the address of the page.
    response.headers_mut().insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
