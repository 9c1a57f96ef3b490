//! Fetches an address into a file: resumes where an earlier try broke off, tries again, never takes more than it should.
use crate::digest::Sha256;
use crate::error::{Mismatch, ModelError, access};
use crate::progress::{Activity, Progress};
use crate::token::Token;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};

/// Tries without a new byte before it is given up.
const FRUITLESS_TRIES: u32 = 4;
/// Tries in all.
const TRIES: u32 = 64;
/// The pause before a second try; doubled before every further one.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(20);
/// What is taken when nobody knows the length.
const MAX_UNKNOWN: u64 = 64 << 30;

/// What is wanted from an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a str,
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Sha256,
    pub(crate) token: &'a Token,
}

/// Why a try ended early.
enum Broken {
    /// Trying again is of no use.
    For(ModelError),
    /// The rest may come with another try.
    Now(String),
}

/// Fetches into `part`, which may hold the beginning from an earlier call and holds it for a later one when this fails.
/// When this succeeds, length and digest are as wanted.
pub(crate) fn fetch(wanted: &Wanted, part: &Path, progress: &dyn Progress) -> Result<(), ModelError> {
    let activity = Activity::begin(progress, wanted.url, wanted.size);
    let client = Client::new(wanted, &activity);
    let in_one_go = client.complete(part)?;
    match check(wanted, part) {
        // The pieces may be of different versions of the file.
        Err(ModelError::Mismatch { .. }) if !in_one_go => {
            client.complete(part)?;
            check(wanted, part)
        }
        checked => checked,
    }
}

/// Compares with what is wanted; what differs is removed.
fn check(wanted: &Wanted, part: &Path) -> Result<(), ModelError> {
    let mut file = File::open(part).map_err(access("read", part))?;
    let found = Sha256::of_reader(&mut file).map_err(access("read", part))?;
    if found == wanted.sha256 {
        return Ok(());
    }
    std::fs::remove_file(part).map_err(access("remove", part))?;
    let mismatch = Mismatch::Digest { expected: wanted.sha256, found };
    Err(ModelError::Mismatch { what: wanted.url.to_owned(), mismatch })
}

struct Client<'a> {
    agent: ureq::Agent,
    wanted: &'a Wanted<'a>,
    activity: &'a Activity<'a>,
}

impl<'a> Client<'a> {
    fn new(wanted: &'a Wanted, activity: &'a Activity) -> Self {
        // The certificates that this machine trusts: a company's own authority, or SSL_CERT_FILE.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(tls)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            // Addresses lead on to storage of another host: the token stays here.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            // A compressed body would have other lengths and ranges.
            .accept_encoding("identity")
            .user_agent(concat!("framefleet/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), wanted, activity }
    }

    /// Tries until everything is here; whether it came in one response.
    fn complete(&self, part: &Path) -> Result<bool, ModelError> {
        let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(access("write", part))?;
        let mut fruitless = 0;
        for tried in 0..TRIES {
            let before = length(&file, part)?;
            if self.wanted.size == Some(before) {
                return Ok(false);
            }
            let why = match self.attempt(&mut file, part, before) {
                Ok(()) => return Ok(tried == 0 && before == 0),
                Err(Broken::For(error)) => return Err(error),
                Err(Broken::Now(why)) => why,
            };
            let here = length(&file, part)?;
            fruitless = if here > before { 0 } else { fruitless + 1 };
            tracing::debug!(url = self.wanted.url, here, why, "a download broke off");
            if fruitless == FRUITLESS_TRIES {
                let of = self.wanted.size.map_or_else(String::new, |size| format!(" of {size}"));
                let advice = "check the network and the address, and run the same command again: it resumes there";
                return Err(self.failed(format!("{why}; {here}{of} bytes are here; {advice}")));
            }
            std::thread::sleep(PAUSE * 2_u32.pow(fruitless));
        }
        Err(self.failed(format!("the connection broke {TRIES} times; run the same command again: it resumes")))
    }

    fn failed(&self, reason: String) -> ModelError {
        ModelError::Download { url: self.wanted.url.to_owned(), reason }
    }

    /// One request for what is missing.
    fn attempt(&self, file: &mut File, part: &Path, here: u64) -> Result<(), Broken> {
        let mut request = self.agent.get(self.wanted.url);
        if here > 0 {
            request = request.header(header::RANGE, format!("bytes={here}-"));
        }
        if let Some(token) = self.wanted.token.header(self.wanted.url) {
            request = request.header(header::AUTHORIZATION, token);
        }
        let response = request.call().map_err(|error| self.unanswered(error))?;
        let start = self.start(&response, here, file, part)?;
        let total = header_number(&response, header::CONTENT_LENGTH).map(|length| start + length);
        if let (Some(expected), Some(found)) = (self.wanted.size, total)
            && expected != found
        {
            return Err(Broken::For(self.wrong_size(expected, found)));
        }
        self.receive(response, file, part, start, total.or(self.wanted.size))
    }

    /// Where the body of a response begins in the file, which is cut to that.
    fn start(&self, response: &Response<ureq::Body>, here: u64, file: &File, part: &Path) -> Result<u64, Broken> {
        let status = response.status();
        let continues = status == StatusCode::PARTIAL_CONTENT && range_start(response) == Some(here);
        if continues {
            return Ok(here);
        }
        let over = |why: &str| {
            cut(file, part)?;
            Err(Broken::Now(why.to_owned()))
        };
        match status {
            // The server does not know ranges, or nothing was here.
            StatusCode::OK => cut(file, part).map(|()| 0),
            StatusCode::PARTIAL_CONTENT => over("the server sent another part than the one asked for"),
            StatusCode::RANGE_NOT_SATISFIABLE if here > 0 => over("the server's file is shorter than what is here"),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Broken::Now(status.to_string())),
            _ if status.is_server_error() => Err(Broken::Now(status.to_string())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let advice = self.wanted.token.advice(self.wanted.url).unwrap_or_else(|| {
                    "its publisher wants an account or has withdrawn it: fetch it by hand and say --from with its folder"
                        .to_owned()
                });
                Err(Broken::For(self.failed(format!("the server answered {status}: {advice}"))))
            }
            _ => Err(Broken::For(self.failed(format!("the server answered {status}: the address may be out of date")))),
        }
    }

    fn receive(
        &self,
        response: Response<ureq::Body>,
        file: &mut File,
        part: &Path,
        start: u64,
        expected: Option<u64>,
    ) -> Result<(), Broken> {
        let limit = expected.unwrap_or(MAX_UNKNOWN);
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 1 << 16];
        let mut here = start;
        loop {
            self.activity.at(here);
            let count =
                body.read(&mut buffer).map_err(|error| Broken::Now(format!("the connection broke: {error}")))?;
            if count == 0 {
                break;
            }
            here += count as u64;
            if here > limit {
                cut(file, part)?;
                return Err(Broken::For(self.wrong_size(limit, here)));
            }
            file.write_all(&buffer[..count]).map_err(access("write", part)).map_err(Broken::For)?;
        }
        match expected.filter(|&expected| here < expected) {
            Some(_) => Err(Broken::Now("the server ended too early".to_owned())),
            None => Ok(()),
        }
    }

    fn wrong_size(&self, expected: u64, found: u64) -> ModelError {
        ModelError::Mismatch { what: self.wanted.url.to_owned(), mismatch: Mismatch::Size { expected, found } }
    }

    /// No response: a wrong address is for ever, anything else may pass.
    fn unanswered(&self, error: ureq::Error) -> Broken {
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TooManyRedirects => {
                Broken::For(self.failed(error.to_string()))
            }
            ureq::Error::ConnectProxyFailed(reason) => Broken::Now(format!(
                "the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY refused: {reason}; NO_PROXY names hosts that need none"
            )),
            error => Broken::Now(error.to_string()),
        }
    }
}

fn length(file: &File, path: &Path) -> Result<u64, ModelError> {
    Ok(file.metadata().map_err(access("read", path))?.len())
}

fn cut(file: &File, path: &Path) -> Result<(), Broken> {
    file.set_len(0).map_err(access("write", path)).map_err(Broken::For)
}

fn header_number(response: &Response<ureq::Body>, name: header::HeaderName) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.parse().ok()
}

/// The first byte of a partial response: `Content-Range: bytes 100-199/200`.
fn range_start(response: &Response<ureq::Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}
