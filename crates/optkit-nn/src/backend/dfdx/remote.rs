//! An engine in a thread of its own: dfdx's CUDA device must stay in the thread that made it, and an objective
//! may be moved between threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::DfdxError;
use super::block::Block;
use super::chain::Chain;
use super::engine::Engine;

/// The same methods as [`Engine`], answered by its thread.
pub(super) struct Remote {
    /// `None` only while it is dropped.
    requests: Option<Sender<Message>>,
    replies: Receiver<Message>,
    thread: Option<JoinHandle<()>>,
    /// The one message, which travels to and fro with its buffers.
    message: Option<Message>,
}

/// A question, and filled in, its answer.
#[derive(Default)]
struct Message {
    theta: Vec<f32>,
    known: bool,
    wants_gradient: bool,
    gradient: Vec<f64>,
    loss: f64,
}

impl Remote {
    /// Moves `blocks` onto the device, in the thread that will own it.
    pub(super) fn new(chain: Chain, blocks: Vec<Block>) -> Result<Self, DfdxError> {
        let message = Message { gradient: vec![0.0; chain.dim()], ..Message::default() };
        let (requests, asked) = channel();
        let (answer, replies) = channel();
        let (opened, opening) = channel();
        let thread = std::thread::Builder::new()
            .name("optkit-dfdx".to_owned())
            .spawn(move || match Engine::new(chain, blocks) {
                Ok(engine) => {
                    let _ = opened.send(Ok(()));
                    serve(engine, &asked, &answer);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            })
            .map_err(|e| DfdxError::Device { reason: e.to_string() })?;
        let mut remote =
            Self { requests: Some(requests), replies, thread: Some(thread), message: Some(message) };
        match opening.recv() {
            Ok(result) => result.map(|()| remote),
            Err(_) => remote.fail(),
        }
    }

    /// As [`Engine::value`].
    pub(super) fn value(&mut self, theta: &[f32]) -> f64 {
        self.ask(theta, false, None)
    }

    /// As [`Engine::value_gradient`].
    pub(super) fn value_gradient(&mut self, theta: &[f32], known: bool, gradient: &mut [f64]) -> f64 {
        self.ask(theta, known, Some(gradient))
    }

    fn ask(&mut self, theta: &[f32], known: bool, gradient: Option<&mut [f64]>) -> f64 {
        let mut message = self.message.take().expect("the last answer came back");
        message.theta.clear();
        message.theta.extend_from_slice(theta);
        message.known = known;
        message.wants_gradient = gradient.is_some();
        let requests = self.requests.as_ref().expect("not dropped yet");
        let Some(message) = requests.send(message).ok().and_then(|()| self.replies.recv().ok()) else {
            self.fail();
        };
        if let Some(gradient) = gradient {
            gradient.copy_from_slice(&message.gradient);
        }
        self.message.insert(message).loss
    }
}

impl Remote {
    /// Passes on the panic that ended the thread.
    fn fail(&mut self) -> ! {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => unreachable!("the thread serves until the objective is dropped"),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.requests = None; // ends the thread's loop
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic in there was passed on when it was asked
        }
    }
}

fn serve(mut engine: Engine, asked: &Receiver<Message>, answer: &Sender<Message>) {
    for mut message in asked {
        message.loss = if message.wants_gradient {
            engine.value_gradient(&message.theta, message.known, &mut message.gradient)
        } else {
            engine.value(&message.theta)
        };
        if answer.send(message).is_err() {
            return;
        }
    }
}

#[cfg(all(test, not(feature = "dfdx-cuda")))]
mod tests {
    use super::*;
    use crate::backend::dfdx::block::{MICRO_BATCH, cut};
    use crate::{Layer, Loss, Network, Samples, Targets};

    #[test]
    fn a_remote_engine_answers_as_one_at_hand() {
        let layers = vec![Layer::Dense { outputs: 4 }, Layer::Tanh, Layer::Dense { outputs: 3 }];
        let network = Network::new(vec![5], layers).unwrap();
        let count = MICRO_BATCH + 7;
        let values = (0..count * 5).map(|i| (i as f32 * 0.37).sin()).collect();
        let samples = Samples::from_floats(values, 5).unwrap();
        let labels: Vec<u8> = (0..count).map(|i| (i % 3) as u8).collect();
        let targets = Targets::labels(&labels, 3).unwrap();
        let chain = Chain::new(&network, Loss::CrossEntropy).unwrap();
        let blocks = || cut(&network, &chain, &samples, &targets, Loss::CrossEntropy).unwrap().0;
        let mut engine = Engine::new(chain.clone(), blocks()).unwrap();
        let mut remote = Remote::new(chain.clone(), blocks()).unwrap();
        let (mut expected, mut gradient) = (vec![0.0; network.dim()], vec![0.0; network.dim()]);
        for seed in 0..3 {
            let theta: Vec<f32> = network.initial(seed).into_iter().map(|v| v as f32).collect();
            assert_eq!(remote.value(&theta), engine.value(&theta));
            for known in [true, false] {
                let value = engine.value_gradient(&theta, known, &mut expected);
                assert_eq!(remote.value_gradient(&theta, known, &mut gradient), value);
                assert_eq!(gradient, expected);
            }
        }
    }

    #[test]
    fn a_panic_in_the_thread_comes_out() {
        let network = Network::new(vec![2], vec![Layer::Dense { outputs: 2 }]).unwrap();
        let chain = Chain::new(&network, Loss::CrossEntropy).unwrap();
        let samples = Samples::from_floats(vec![1.0, 2.0], 2).unwrap();
        let targets = Targets::labels(&[1], 2).unwrap();
        let (blocks, _) = cut(&network, &chain, &samples, &targets, Loss::CrossEntropy).unwrap();
        let mut remote = Remote::new(chain, blocks).unwrap();
        let too_short = std::panic::AssertUnwindSafe(|| remote.value(&[0.0; 2]));
        assert!(std::panic::catch_unwind(too_short).is_err());
    }
}
