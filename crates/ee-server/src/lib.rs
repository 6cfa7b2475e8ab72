//! Use cases and the route table of the access server, without a web framework
