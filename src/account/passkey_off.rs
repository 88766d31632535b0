//! A build without passkeys: nothing here is ever called.

use std::ops::ControlFlow;

use http::{HeaderValue, Method, Response};

use super::pending::Pending;
use super::settings::Flow;
use super::site::{Answer, Site, Visit};
use super::{AccountError, Email};
use crate::http::Body;
use crate::page::PasskeyPrompt;
use crate::scope::{Account, Method as Proven, UserId};

/// What the pages would work with.
#[derive(Debug)]
pub(super) enum PasskeySite {}

/// How it would be asked.
pub(super) enum Asking {
    Still,
    Anew,
}

/// What it would be asked for.
pub(super) enum Occasion {
    Again,
    StepUp,
    Codes,
}

/// What a page would ask of the browser.
pub(super) enum Asked {}

impl Asked {
    pub(super) fn prompt(&self, _: bool) -> PasskeyPrompt<'_> {
        match *self {}
    }

    pub(super) fn cookie(&self) -> Option<&HeaderValue> {
        match *self {}
    }

    pub(super) fn verifies(&self) -> bool {
        match *self {}
    }
}

impl PasskeySite {
    pub(super) fn rp_id(&self) -> &str {
        match *self {}
    }

    pub(super) fn script(&self) -> Response<Body> {
        match *self {}
    }

    pub(super) fn ask_login(&self, _: &Site, _: &Visit, _: Asking) -> Asked {
        match *self {}
    }

    pub(super) async fn log_in(
        &self,
        _: &Site,
        _: &Visit,
        _: &str,
        _: bool,
    ) -> Result<Option<Response<Body>>, AccountError> {
        match *self {}
    }

    pub(super) async fn ask_verify(
        &self,
        _: &Site,
        _: &Visit,
        _: &UserId,
        _: Asking,
    ) -> Result<ControlFlow<(), Option<Asked>>, AccountError> {
        match *self {}
    }

    pub(super) async fn verify(
        &self,
        _: &Site,
        _: &Visit,
        _: (&Pending, &Email),
        _: bool,
        _: &str,
    ) -> Result<Option<Response<Body>>, AccountError> {
        match *self {}
    }

    pub(super) async fn ask_present(
        &self,
        _: &Site,
        _: &Visit,
        _: &Account,
        _: (Occasion, Asking),
    ) -> Result<Option<Asked>, AccountError> {
        match *self {}
    }

    pub(super) async fn prove_present(
        &self,
        _: &Site,
        _: &Visit,
        _: &Account,
        _: (Occasion, &str),
    ) -> Result<Option<([Proven; 3], i64, HeaderValue)>, AccountError> {
        match *self {}
    }

    pub(super) async fn settings(&self, _: &Site, _: (Flow, &Method), _: &Visit) -> Answer {
        match *self {}
    }
}
