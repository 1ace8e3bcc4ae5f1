//! Windows over matches in event time, and when they become alerts.
