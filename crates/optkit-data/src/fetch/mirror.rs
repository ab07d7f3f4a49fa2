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

/// What asks servers.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into()
}

impl Source for Mirror {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
        let agent = agent();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Diary, Temporary, cache_only, contents, gzip, known};
    use crate::get::get_known;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    /// Answers one request a connection by `answer`, from the path to the whole response; its address.
    fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> &'static str {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = request.split(' ').nth(1).unwrap();
                // the client hangs up early where it has seen enough
                let _ = connection.write_all(&answer(path));
            }
        });
        format!("http://{address}/files/").leak()
    }

    fn response(body: &[u8], length: usize) -> Vec<u8> {
        let mut response =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").into_bytes();
        response.extend_from_slice(body);
        response
    }

    fn file(path: &str) -> Vec<u8> {
        let k = NAMES.iter().position(|name| path == format!("/files/{name}.gz")).unwrap();
        gzip(&contents(1)[k])
    }

    #[test]
    fn four_files_come_over_http() {
        let (top, mut diary) = (Temporary::new(), Diary::default());
        let mirror = Mirror(serve(|path| response(&file(path), file(path).len())));
        get_known(&known(1), &cache_only(&top), &[&mirror], &mut diary).unwrap();
        assert_eq!(diary.stored, NAMES);
    }

    #[test]
    fn what_a_server_does_wrong_is_told() {
        let (top, mut diary) = (Temporary::new(), Diary::default());
        let absent = Mirror(serve(|_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()));
        let cut = Mirror(serve(|path| response(&file(path)[..30], file(path).len())));
        let login = Mirror(serve(|_| response(b"<html>Please log in</html>", 26)));
        // a port that nobody listens on: bound, then closed
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let closed = Mirror(format!("http://{port}/").leak());
        let error = get_known(&known(1), &cache_only(&top), &[&absent, &cut, &login, &closed], &mut diary);
        assert!(error.unwrap_err().is_missing());
        assert!(diary.failed[0].contains("404"), "{:?}", diary.failed);
        assert!(diary.failed[1].contains("train-images-idx3-ubyte"), "{:?}", diary.failed);
        assert!(diary.failed[2].contains("26 bytes, expected 28"), "{:?}", diary.failed);
        assert_eq!(diary.failed.len(), 4);
    }
}
