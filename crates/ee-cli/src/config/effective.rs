//! The configuration in effect, without secrets.

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;
use serde::Serialize;

use super::{AuditConfig, AuthKind, Environment, Loaded, SessionKind};

const REDACTED: &str = "[REDACTED]";

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
    audit: AuditConfig,
    license: Secret,
    models: Models,
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
            audit: config.audit.clone(),
            license: Secret {
                key: self.license_key().is_some().then_some(REDACTED),
            },
            models: Models {
                answer_timeout_ms: config.models.answer_timeout_ms,
                idle_timeout_ms: config.models.idle_timeout_ms,
                offered: config.models.models.clone(),
                openai_api_key: config.models.openai_api_key.as_ref().map(|_| REDACTED),
                openai_base_url: config.models.openai_base_url.clone(),
                word_delay_ms: config.models.word_delay_ms,
            },
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
