//! Settings: what a user writes (raw), where it stood (positions), and what the code uses (checked).
