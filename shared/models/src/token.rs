//! Access tokens of hosts that ask for an account. A token is sent to its own host alone, over https, and is never shown.
use std::fmt;
use ureq::http::Uri;

/// The host that asks for accounts, and the variable that holds the user's token for it.
const HUGGING_FACE: (&str, &str) = ("huggingface.co", "HF_TOKEN");

/// A token for one host.
#[derive(Clone)]
pub struct Token {
    host: String,
    /// Where the user set it.
    variable: String,
    value: Option<String>,
}

impl Token {
    /// The one for Hugging Face, out of `HF_TOKEN`.
    pub(crate) fn of_environment() -> Self {
        let (host, variable) = HUGGING_FACE;
        let value = std::env::var(variable).ok();
        Self::new(host, variable, value.as_deref())
    }

    /// A token for a host, and the environment variable that it was read from.
    pub fn new(host: &str, variable: &str, value: Option<&str>) -> Self {
        let value = value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
        Self { host: host.to_owned(), variable: variable.to_owned(), value }
    }

    /// The value of `Authorization` for this address, if it is for it. Nothing secret leaves without encryption but to this
    /// machine itself.
    pub(crate) fn header(&self, url: &str) -> Option<String> {
        let uri: Uri = url.parse().ok()?;
        let is_safe = uri.scheme_str() == Some("https") || uri.host() == Some("127.0.0.1");
        let value = self.value.as_ref().filter(|_| is_safe && self.is_for(url))?;
        Some(format!("Bearer {value}"))
    }

    /// What to do when the server refuses this address; `None` if the token is not for it.
    pub(crate) fn advice(&self, url: &str) -> Option<String> {
        let Self { host, variable, .. } = self;
        self.is_for(url).then(|| match self.value {
            None => format!(
                "its publisher wants an account: accept its terms on {host}, make an access token there, set {variable} to \
                 it and run the same command again"
            ),
            Some(_) => format!(
                "the token in {variable} was not accepted: accept the terms of this model on {host} with the account of \
                 that token, or make a new one"
            ),
        })
    }

    fn is_for(&self, url: &str) -> bool {
        let uri: Option<Uri> = url.parse().ok();
        uri.and_then(|uri| uri.host().map(|host| host == self.host)).unwrap_or(false)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.value.is_some() { "set" } else { "not set" };
        write!(formatter, "Token({}: {} is {state})", self.host, self.variable)
    }
}
