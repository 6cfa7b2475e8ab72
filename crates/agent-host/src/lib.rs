//! Stored agents, chat and workflows: the thing that is protected out of the box
