//! The requests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};

use super::{
    Round,
    servers::{READS, Servers},
};
use crate::server::Server;

/// A request and what came of it, round by round.
pub(super) struct Case<'a> {
    pub(super) body: Vec<u8>,
    pub(super) header: Option<String>,
    pub(super) id: &'static str,
    /// How many micros of CPU above the bare server it may take. Without one it is shown and not judged.
    pub(super) most_over: Option<f64>,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) rounds: Vec<Round>,
    pub(super) server: &'a Server,
    pub(super) table: Table,
}

/// Where a case is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Table {
    /// Who is calling, of the product.
    Me,
    /// What is recorded.
    Recorded,
    /// Who is calling, of axum-login.
    Rival,
    /// Everything else.
    Requests,
}

const ME: &str = "/api/auth/me";

/// Identity and name of the composed servers over SQLite and PostgreSQL, in the order of [`READS`].
const COMPOSED: [[(&str, &str); READS.len()]; 2] = [
    [
        ("me-sqlite", "SQLite, remembered"),
        ("me-sqlite-plain", "SQLite, session and user read"),
        ("me-sqlite-anew", "SQLite, everything read"),
    ],
    [
        ("me-postgres", "PostgreSQL, remembered"),
        ("me-postgres-plain", "PostgreSQL, session and user read"),
        ("me-postgres-anew", "PostgreSQL, everything read"),
    ],
];

/// Describes all of them, with what is answered.
pub(super) fn all(servers: &Servers) -> Result<Vec<Case<'_>>> {
    let (stored, sealed) = (&servers.stored, &servers.sealed);
    let (bearer, cookie) = (Some(&stored.bearer), Some(&stored.cookie));
    let (capabilities, agents) = ("/api/auth/capabilities", "/api/agents");
    let mut cases = Vec::new();
    for (id, name, path, header, product) in [
        (
            "capabilities",
            "`GET /api/auth/capabilities`, nobody",
            capabilities,
            None,
            stored,
        ),
        (
            "capabilities-bearer",
            "`GET /api/auth/capabilities`, bearer",
            capabilities,
            bearer,
            stored,
        ),
        (
            "agents-bearer",
            "`GET /api/agents`, bearer",
            agents,
            bearer,
            stored,
        ),
        (
            "agents-session",
            "`GET /api/agents`, session in SQLite",
            agents,
            cookie,
            stored,
        ),
        (
            "agents-sealed",
            "`GET /api/agents`, sealed cookie",
            agents,
            Some(&sealed.cookie),
            sealed,
        ),
    ] {
        let header = header.cloned();
        let case = Case::new(Table::Requests, id, name, path, header, &product.server)?;
        cases.push(case.at_most(1.5));
    }
    let name = "The binary, SQLite, remembered";
    let case = Case::new(Table::Me, "me", name, ME, cookie.cloned(), &stored.server)?;
    cases.push(case.at_most(2.0));
    for (names, servers) in COMPOSED
        .iter()
        .zip([&servers.over_sqlite, &servers.over_postgres])
    {
        for ((reads, (id, name)), server) in READS.iter().zip(names).zip(servers) {
            let header = server.cookie.clone();
            let case = Case::new(Table::Me, id, name, ME, header, server)?;
            cases.push(match *reads {
                "cached" => case.at_most(2.0),
                _ => case,
            });
        }
    }
    let rival = &servers.axum_login;
    let (name, header) = ("axum-login, sessions in SQLite", rival.cookie.clone());
    cases.push(Case::new(
        Table::Rival,
        "axum-login",
        name,
        ME,
        header,
        rival,
    )?);
    Ok(cases)
}

/// Describes requests of the composed server that differ in what is recorded of them.
pub(super) fn recorded(server: &Server) -> Result<Vec<Case<'_>>> {
    let all = [
        (
            "record-none",
            "Signed in and permitted, not recorded",
            "/bench/unrecorded",
        ),
        (
            "record-spooled",
            "The same, recorded in the spool",
            "/bench/spooled",
        ),
        (
            "record-strict",
            "The same, recorded in SQLite before and behind",
            "/bench/strict",
        ),
    ];
    let cases = all.into_iter().map(|(id, name, path)| {
        let header = server.cookie.clone();
        Case::new(Table::Recorded, id, name, path, header, server)
    });
    cases.collect()
}

impl<'a> Case<'a> {
    fn new(
        table: Table,
        id: &'static str,
        name: &'static str,
        path: &'static str,
        header: Option<String>,
        server: &'a Server,
    ) -> Result<Self> {
        let mut head = format!("GET {path} HTTP/1.1");
        if let Some(header) = &header {
            head.push_str("\r\n");
            head.push_str(header);
        }
        let (answer, body) = server.ask(&head, "")?;
        let is_known = path != ME || body.starts_with(b"{");
        ensure!(
            answer.starts_with("HTTP/1.1 200") && is_known,
            "`{id}`: {answer}"
        );
        Ok(Self {
            body,
            header,
            id,
            most_over: None,
            name,
            path,
            rounds: Vec::new(),
            server,
            table,
        })
    }

    const fn at_most(mut self, most_over: f64) -> Self {
        self.most_over = Some(most_over);
        self
    }

    /// Writes down what was answered, for the bare server to answer the same.
    pub(super) fn write_body(&self, directory: &Path) -> Result<PathBuf> {
        let file = directory.join(self.id);
        fs::write(&file, &self.body)?;
        Ok(file)
    }
}
