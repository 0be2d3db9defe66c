//! Nothing lives here: the whole-system tests are in `tests/`, the hostile guests in `guests/`, what
//! builds them in `artifacts/`, and the tests of documentation and scripts in `python/`.
