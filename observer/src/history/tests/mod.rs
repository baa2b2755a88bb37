//! Scenes with a truth that was written beforehand, an hour without any, and floods.

mod clients;
mod floods;
mod grants;
mod healthy;
mod hops;
mod scenes;
mod validator;
mod world;
