//! What tables in memory know about an event: geography, networks, assets, indicators; and finding sensitive data.
