//! The configuration in effect, without secrets.

use std::{net::SocketAddr, path::PathBuf};

use ee::auth_password::{
    HashProfile, PasswordConfig, SecondFactorDemand, SignUpMode, SmtpConfig, SmtpTls,
};
use ipnet::IpNet;
use serde::Serialize;

use super::{AuthKind, Environment, Loaded, SessionKind, audit::Shown};

pub(super) const REDACTED: &str = "[REDACTED]";

/// What `config print` shows: everything that is in effect; of a secret only that it is there.
#[derive(Debug, Serialize)]
pub(crate) struct Effective {
    auth: AuthKind,
    cross_origin: Vec<String>,
    data: PathBuf,
    environment: Environment,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    listen: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    store: String,
    trusted_proxies: Vec<IpNet>,
    audit: Shown,
    license: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<Mail>,
    models: Models,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Password>,
    rbac: Rbac,
    sessions: Sessions,
    #[serde(skip_serializing_if = "Option::is_none")]
    simple: Option<Simple>,
}

#[derive(Debug, Serialize)]
struct Secret {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Models {
    answer_timeout_ms: u64,
    idle_timeout_ms: u64,
    #[serde(rename = "models")]
    offered: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openai_api_key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openai_base_url: Option<String>,
    word_delay_ms: u64,
}

#[derive(Debug, Serialize)]
struct Mail {
    from: String,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    tls: SmtpTls,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

#[derive(Debug, Serialize)]
struct Password {
    second_factor: SecondFactorDemand,
    secrets: Vec<&'static str>,
    hashing: Hashing,
    rules: Rules,
    sign_up: SignUp,
}

#[derive(Debug, Serialize)]
struct Hashing {
    #[serde(skip_serializing_if = "Option::is_none")]
    iterations: Option<u32>,
    memory_budget_mib: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_kib: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<u32>,
    pepper: Vec<&'static str>,
    profile: HashProfile,
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Rules {
    words: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SignUp {
    domains: Vec<String>,
    mode: SignUpMode,
    verify_email: bool,
}

impl From<&SmtpConfig> for Mail {
    fn from(smtp: &SmtpConfig) -> Self {
        Self {
            from: smtp.from.clone(),
            host: smtp.host.clone(),
            password: smtp.password.as_ref().map(|_| REDACTED),
            port: smtp.port,
            tls: smtp.tls,
            username: smtp.username.clone(),
        }
    }
}

impl From<&PasswordConfig> for Password {
    fn from(config: &PasswordConfig) -> Self {
        let hashing = &config.hashing;
        Self {
            second_factor: config.second_factor,
            secrets: vec![REDACTED; config.secrets.len()],
            hashing: Hashing {
                iterations: hashing.iterations,
                memory_budget_mib: hashing.memory_budget_mib,
                memory_kib: hashing.memory_kib,
                parallelism: hashing.parallelism,
                pepper: vec![REDACTED; hashing.pepper.len()],
                profile: hashing.profile,
                threads: hashing.threads,
            },
            rules: Rules {
                words: config.rules.words.clone(),
            },
            sign_up: SignUp {
                domains: config.sign_up.domains.clone(),
                mode: config.sign_up.mode,
                verify_email: config.sign_up.verify_email,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct Rbac {
    roles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Sessions {
    absolute_hours: u32,
    cookie_secrets: Vec<&'static str>,
    idle_minutes: u32,
    kind: SessionKind,
}

#[derive(Debug, Serialize)]
struct Simple {
    headers: Vec<String>,
    /// Token, redacted, and whose it is.
    users: Vec<(&'static str, String)>,
}

impl Loaded {
    /// Returns the configuration in effect, without secrets.
    pub(crate) fn effective(&self) -> Effective {
        let config = &self.config;
        let roles = match (self.roles(), &config.rbac.mapping) {
            (Ok(Some(roles)), _) => roles.iter().map(|role| role.id.to_string()).collect(),
            (_, Some(mapping)) => mapping.roles().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Effective {
            auth: config.auth,
            cross_origin: config.cross_origin.clone(),
            data: self.data.clone(),
            environment: config.environment,
            file: self.file.clone(),
            listen: self.listen,
            public_url: config.public_url.clone(),
            store: self.store.to_string(),
            trusted_proxies: config.trusted_proxies.clone(),
            audit: Shown::from(&config.audit),
            license: Secret {
                key: self.license_key().is_some().then_some(REDACTED),
            },
            mail: config.mail.as_ref().map(Mail::from),
            models: Models {
                answer_timeout_ms: config.models.answer_timeout_ms,
                idle_timeout_ms: config.models.idle_timeout_ms,
                offered: config.models.models.clone(),
                openai_api_key: config.models.openai_api_key.as_ref().map(|_| REDACTED),
                openai_base_url: config.models.openai_base_url.clone(),
                word_delay_ms: config.models.word_delay_ms,
            },
            password: (config.auth == AuthKind::Password)
                .then(|| Password::from(&config.password.clone().unwrap_or_default())),
            rbac: Rbac { roles },
            sessions: Sessions {
                absolute_hours: config.sessions.absolute_hours,
                cookie_secrets: vec![REDACTED; config.sessions.cookie_secrets.len()],
                idle_minutes: config.sessions.idle_minutes,
                kind: config.sessions.kind,
            },
            simple: config.simple.as_ref().map(|simple| Simple {
                headers: simple.headers.clone(),
                users: simple
                    .tokens
                    .iter()
                    .chain(&simple.users)
                    .map(|(_, user)| (REDACTED, user.id.to_string()))
                    .collect(),
            }),
        }
    }

    /// Returns the licence key, from the environment first.
    pub(crate) fn license_key(&self) -> Option<String> {
        use secrecy::ExposeSecret as _;

        let from_file = || {
            self.config
                .license
                .key
                .as_ref()
                .map(|key| key.expose_secret().to_owned())
        };
        super::load::variable("MASTRA_EE_LICENSE")
            .ok()
            .flatten()
            .or_else(from_file)
    }
}
