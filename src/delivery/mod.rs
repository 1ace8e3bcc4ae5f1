//! Who owns which partition and what may be committed, as a pure state machine; and the runtime that drives it.
