//! The permissions that our own routes ask for.

use ee_core::{Action, Permission, Resource};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $resource:ident $action:ident;)*) => {
        $($(#[$doc])* pub const $name: Permission = Permission::known(Resource::$resource, Action::$action);)*
    };
}

permissions! {
    /// Delete accounts.
    ACCESS_DELETE = Access Delete;
    /// See who may do what.
    ACCESS_READ = Access Read;
    /// Change who may do what.
    ACCESS_WRITE = Access Write;
    /// Ask agents.
    AGENTS_EXECUTE = Agents Execute;
    /// See agents.
    AGENTS_READ = Agents Read;
    /// See what was said to models, and what they said, where the record keeps that.
    AUDIT_CONTENT = Audit Share;
    /// Take copies of the record.
    AUDIT_EXPORT = Audit Export;
    /// Ask what a value looks like in the record.
    AUDIT_HASH = Audit Execute;
    /// See the record.
    AUDIT_READ = Audit Read;
    /// Pause, resume and test the places that events are taken to.
    AUDIT_WRITE = Audit Write;
    /// See roles and patterns.
    AUTH_READ = Auth Read;
    /// Delete conversations.
    MEMORY_DELETE = Memory Delete;
    /// See one's own conversations.
    MEMORY_READ = Memory Read;
    /// Create and change one's own conversations.
    MEMORY_WRITE = Memory Write;
    /// See figures of the server.
    OBSERVABILITY_READ = Observability Read;
    /// Delete stored agents.
    STORED_AGENTS_DELETE = StoredAgents Delete;
    /// See stored agents.
    STORED_AGENTS_READ = StoredAgents Read;
    /// Create and change stored agents.
    STORED_AGENTS_WRITE = StoredAgents Write;
    /// Delete stored workflows.
    STORED_WORKFLOWS_DELETE = StoredWorkflows Delete;
    /// Create stored workflows.
    STORED_WORKFLOWS_WRITE = StoredWorkflows Write;
    /// See what the server is made of.
    SYSTEM_READ = System Read;
    /// Delete runs.
    WORKFLOWS_DELETE = Workflows Delete;
    /// Run workflows.
    WORKFLOWS_EXECUTE = Workflows Execute;
    /// See workflows and runs.
    WORKFLOWS_READ = Workflows Read;
    /// Create runs.
    WORKFLOWS_WRITE = Workflows Write;
}
