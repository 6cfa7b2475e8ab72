//! Default plugins: cookie and store sessions, static roles, console audit logger, memory store
