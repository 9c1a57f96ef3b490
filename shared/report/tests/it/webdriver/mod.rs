//! A headless Chromium, driven by chromedriver.
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A browser with a profile of its own.
pub struct Browser {
    client: Client,
    driver: Driver,
    _profile: tempfile::TempDir,
}

/// chromedriver; it ends with the test, also with a failed one.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--force-prefers-reduced-motion",
            "--window-size=1280,1000",
        ];
        let mut arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.as_object().cloned().unwrap());
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        Self { client, driver, _profile: profile }
    }

    pub async fn open(&self, page: &Path) {
        self.client.goto(&format!("file://{}", page.display())).await.unwrap();
    }

    /// What the body of a function returns.
    pub async fn script(&self, body: &str) -> Value {
        self.client.execute(body, Vec::new()).await.unwrap()
    }

    pub async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    pub async fn keys(&self, selector: &str, key: Key) {
        self.find(selector).await.send_keys(&String::from(char::from(key))).await.unwrap();
    }

    /// Moves the pointer to a share of the width of an element.
    pub async fn hover(&self, selector: &str, share: f64) {
        let actions = self.pointer_to(selector, share).await;
        self.client.perform_actions(actions).await.unwrap();
    }

    /// The same, and clicks.
    pub async fn click_at(&self, selector: &str, share: f64) {
        let actions = self.pointer_to(selector, share).await;
        let press = PointerAction::Down { button: MOUSE_BUTTON_LEFT };
        let actions = actions.then(press).then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(actions).await.unwrap();
    }

    async fn pointer_to(&self, selector: &str, share: f64) -> MouseActions {
        let element = self.find(selector).await;
        let scroll =
            format!("document.querySelector({selector:?}).scrollIntoView({{block: 'center', behavior: 'instant'}})");
        self.script(&scroll).await;
        let (_, _, width, _) = element.rectangle().await.unwrap();
        // Offsets count from the element's middle.
        let x = ((share - 0.5) * width).round();
        MouseActions::new("mouse".to_owned()).then(PointerAction::MoveToElement { element, duration: None, x, y: 0.0 })
    }

    /// Waits until the body of a function returns true.
    pub async fn until(&self, body: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.script(body).await != true {
            assert!(Instant::now() < deadline, "still not: {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes the page so wide (390 is a phone's, 0 the window's own) and sees that nothing sticks out of it.
    pub async fn fits(&self, width: u32) {
        self.set_width(width).await;
        let [wide, inside] = ["scrollWidth", "clientWidth"].map(|of| format!("return document.documentElement.{of}"));
        let (wide, inside) = (self.script(&wide).await, self.script(&inside).await);
        assert!(wide == inside && (width == 0 || inside == width), "{wide} in {inside}");
    }

    async fn set_width(&self, width: u32) {
        let size = json!({"width": width, "height": if width == 0 { 0 } else { 844 }, "deviceScaleFactor": 0, "mobile": width != 0});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size});
        self.client.issue_cmd(Extension("goog/cdp/execute", command)).await.unwrap();
    }

    async fn find(&self, selector: &str) -> Element {
        let wait = self.client.wait().at_most(Duration::from_secs(20));
        wait.for_element(Locator::Css(selector)).await.unwrap()
    }

    /// Errors and warnings of the console, security policy included.
    pub async fn errors(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let bad = entries.iter().filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    /// Addresses that were asked for; pictures inside the page (`data:`) and the browser's own tab (`chrome:`) are none.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let messages =
            entries.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = messages.filter(|message| message["message"]["method"] == "Network.requestWillBeSent");
        let urls = sent.filter_map(|message| Some(message["message"]["params"]["request"]["url"].as_str()?.to_owned()));
        let outside = urls.filter(|url| !url.starts_with("data:") && !url.starts_with("chrome:"));
        outside.map(|url| url.split('#').next().unwrap_or_default().to_owned()).collect()
    }

    /// Chromium's log of a kind, since it was last asked for.
    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.client.issue_cmd(Extension("se/log", json!({"type": kind}))).await.unwrap();
        entries.as_array().cloned().unwrap()
    }

    pub async fn stop(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }
}

/// chromedriver on a free port, which it says itself.
fn start_driver() -> (Driver, u16) {
    let mut command = Command::new("chromedriver");
    let started = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = started.expect("chromedriver is not installed: apt install chromium-driver");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let driver = Driver(child);
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (driver, port.expect("chromedriver did not say its port"))
}

/// A command that only Chromium's driver knows: its path and its body.
#[derive(Debug)]
struct Extension(&'static str, Value);

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.1.to_string()))
    }
}
