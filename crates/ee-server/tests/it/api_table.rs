//! The table of routes in the guide is what the declarations say.

use ee_server::{Access, Op, Scope};

use crate::written;

const HEAD: &str = "\
<!-- Written by `cargo xtask openapi` from the route table; do not edit. -->

| Method | Path | Needs | Audit action | What it does |
| --- | --- | --- | --- | --- |
";

/// `cargo xtask openapi` picks its tests by `openapi_document` in the name, so it writes this file too.
#[test]
fn the_route_table_of_the_guide_is_written_with_the_openapi_document() {
    written::check("api-routes.md", &table());
}

fn table() -> String {
    let rows = Op::ALL.iter().map(|op| {
        let route = op.route();
        let audit = route.audit.as_ref().map_or_else(String::new, code);
        let (path, needs) = (code(&route.path), needs(&route.access));
        format!(
            "| {} | {path} | {needs} | {audit} | {} |\n",
            route.method, route.summary
        )
    });
    std::iter::once(HEAD.to_owned()).chain(rows).collect()
}

fn needs(access: &Access) -> String {
    match access {
        Access::Authenticated => "to be signed in".to_owned(),
        Access::Permission { any_of, scope } => {
            let any_of: Vec<String> = any_of.iter().map(code).collect();
            let on = match scope {
                Scope::All => String::new(),
                Scope::Param(name) => format!(" on `{{{name}}}`"),
                Scope::Some => " on one at least".to_owned(),
            };
            format!("{}{on}", any_of.join(" or "))
        }
        Access::Open | Access::Public => "nothing".to_owned(),
    }
}

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}
