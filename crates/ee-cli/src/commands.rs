//! The commands that look and do not serve.

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;
use ee::{Feature, PermissionSet, SystemClock};
use serde_json::json;

use crate::{
    args::{Args, ConfigCommand, LicenseCommand, PermissionsCommand},
    config::{AuthKind, Loaded, load},
    parts,
};

/// `mastra-ee completions`.
pub(crate) fn completions(shell: Shell) {
    clap_complete::generate(shell, &mut Args::command(), "mastra-ee", &mut io::stdout());
}

/// `mastra-ee config check|print`.
pub(crate) fn config(command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Check(settings) => {
            let mut loaded = load(settings)?;
            parts::check(&mut loaded)?;
            let file = loaded
                .file
                .as_ref()
                .map_or("no file".to_owned(), |file| file.display().to_string());
            println!("ok: {file}, {}, store {}", loaded.listen, loaded.store);
        }
        ConfigCommand::Print { settings, json } => {
            let effective = load(settings)?.effective();
            let text = if *json {
                serde_json::to_string_pretty(&effective)?
            } else {
                toml::to_string_pretty(&effective)?
            };
            println!("{}", text.trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `mastra-ee license inspect`.
pub(crate) fn license(command: &LicenseCommand) -> Result<ExitCode> {
    let LicenseCommand::Inspect { settings, json } = command;
    let loaded = load(settings)?;
    let gate = parts::license(&loaded, Arc::new(SystemClock));
    let status = gate.status();
    let features = gate.features();
    let exemption = exemption(&loaded);
    if *json {
        let body = json!({
            "keyIsSet": status.key_is_set,
            "license": status.info,
            "mode": "plain",
            "exemption": exemption,
        });
        println!("{}", serde_json::to_string_pretty(&body)?);
    } else {
        let key = match (status.key_is_set, status.info.valid) {
            (false, _) => "not set (variable MASTRA_EE_LICENSE or `license.key`)",
            (true, true) => "valid (mode plain: its length was checked, no signature)",
            (true, false) => "set and not valid: a key has 32 characters at least",
        };
        println!("key        {key}");
        println!("exemption  {}", exemption.unwrap_or("none"));
        for feature in Feature::ALL {
            let is_on = features.contains(feature) || exemption.is_some();
            println!(
                "{:<10} {}",
                feature.as_str(),
                if is_on { "on" } else { "off" }
            );
        }
    }
    Ok(if status.info.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn exemption(loaded: &Loaded) -> Option<&'static str> {
    if loaded.is_local_development() {
        return Some("local development: a loopback address outside production");
    }
    let is_simple = loaded.config.auth == AuthKind::Simple;
    is_simple.then_some("Simple auth needs no licence")
}

/// `mastra-ee permissions explain`.
pub(crate) fn permissions(command: &PermissionsCommand) -> Result<ExitCode> {
    let PermissionsCommand::Explain {
        settings,
        role,
        permission,
        json,
    } = command;
    let loaded = load(settings)?;
    let patterns = match (loaded.roles()?, &loaded.config.rbac.mapping) {
        (Some(roles), _) => {
            let known: Vec<&str> = roles.iter().map(|role| role.id.as_str()).collect();
            anyhow::ensure!(
                roles.find(role).is_some(),
                "unknown role `{role}`; known are: {}",
                known.join(", ")
            );
            roles.resolve(std::slice::from_ref(role))
        }
        (None, Some(mapping)) => mapping.resolve(std::slice::from_ref(role)),
        (None, None) => Vec::new(),
    };
    let set = PermissionSet::compile(patterns);
    let grant = set.matching(permission);
    let allowed = set.allows(permission);
    if *json {
        let body =
            json!({ "role": role, "permission": permission, "allowed": allowed, "grant": grant });
        println!("{}", serde_json::to_string_pretty(&body)?);
    } else if let Some(grant) = grant {
        println!("allowed: `{role}` holds `{grant}`, which covers `{permission}`");
    } else {
        let held: Vec<&str> = set
            .patterns()
            .iter()
            .map(ee::PermissionPattern::as_str)
            .collect();
        println!("denied: nothing that `{role}` holds covers `{permission}`");
        println!(
            "held:   {}",
            if held.is_empty() {
                "nothing".to_owned()
            } else {
                held.join(" ")
            }
        );
        let wildcard_only = held.iter().any(|text| text.starts_with("*:"));
        if wildcard_only
            && ee::Resource::find(permission.resource()).is_some_and(ee::Resource::is_sensitive)
        {
            println!(
                "note:   `{}` is sensitive: a `*` in place of the resource does not reach it",
                permission.resource()
            );
        }
    }
    Ok(if allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
