//! A folder on a web server that holds the four files gzipped under MNIST's names.

use super::{Failure, Order, Source};
use crate::files::NAMES;
use std::time::Duration;
use ureq::Agent;

/// The address of the folder, with its last slash.
pub(crate) struct Mirror(pub(crate) &'static str);

/// A closed network must fall through to the next source soon.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence of a server that has answered.
const SILENCE: Duration = Duration::from_secs(15);

impl Source for Mirror {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
        let agent: Agent = Agent::config_builder()
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build()
            .into();
        for k in order.pending().to_vec() {
            order.check_stop()?;
            let file = format!("{}.gz", NAMES[k]);
            let address = format!("{}{file}", self.0);
            let refused = |error: ureq::Error| Failure::Refused(format!("{file}: {error}"));
            let mut response = agent.get(&address).call().map_err(refused)?;
            order.accept(k, response.body_mut().as_reader())?;
        }
        Ok(())
    }
}
