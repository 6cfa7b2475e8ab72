use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// What came back, with the whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub body: Bytes,
    /// The headers.
    pub headers: HeaderMap,
    /// The status.
    pub status: StatusCode,
}

impl Answer {
    /// Returns the status as a number.
    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|err| panic!("not JSON ({err}): {} {:?}", self.status, self.text()))
    }

    /// Returns the body as JSON without `requestId`, the one member that differs between equal answers.
    pub fn json_without_id(&self) -> Value {
        let mut json = self.json();
        if let Some(map) = json.as_object_mut() {
            map.remove("requestId");
        }
        json
    }

    /// Returns a header that comes once, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns `Location`.
    pub fn location(&self) -> &str {
        self.header(header::LOCATION.as_str())
    }

    /// Returns the values of `Set-Cookie`.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }

    /// Returns `name=value` of the cookie whose name ends like this.
    pub fn cookie_pair(&self, name: &str) -> Option<String> {
        let pairs = self
            .set_cookies()
            .into_iter()
            .filter_map(|cookie| cookie.split(';').next());
        let mut found = pairs.filter(|pair| {
            pair.split_once('=').is_some_and(|(key, value)| {
                key.trim_start_matches("__Host-").starts_with(name) && !value.is_empty()
            })
        });
        found.next().map(str::to_owned)
    }

    /// Returns what a browser shows next of the cookies that were set; nothing when none was.
    pub fn cookies(&self) -> String {
        let pairs = self.set_cookies().into_iter();
        let pairs: Vec<&str> = pairs.filter_map(|it| it.split(';').next()).collect();
        pairs.join("; ")
    }

    /// Tells whether the answer makes the browser forget the session.
    pub fn clears_session(&self) -> bool {
        self.set_cookies().iter().any(|cookie| {
            cookie
                .trim_start_matches("__Host-")
                .starts_with("ee_session=;")
        })
    }

    /// Checks that this is an error of the wire: JSON with `error`, `code` and the id that the header names.
    pub fn assert_error(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.code(), status, "{}", self.text());
        let json = self.json();
        assert_eq!(json["code"], code, "{json}");
        assert!(
            json["error"].as_str().is_some_and(|text| !text.is_empty()),
            "{json}"
        );
        assert_eq!(json["requestId"], self.header("x-request-id"), "{json}");
        assert!(
            self.header("content-type").starts_with("application/json"),
            "{json}"
        );
        self
    }
}
