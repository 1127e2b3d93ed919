//! What leaves for a server and how its answers arrive, over real sockets.

mod support;

use std::io::{Read, Write};

use support::{
    compose::Response,
    fake_server::{FakeServer, Reply},
};

#[test]
fn a_gated_answer_leaves_one_event_at_a_time() {
    let server = FakeServer::start();
    server.answer(Reply::stream(Response::by("openai/gpt-4.1-mini").text(&["Hel", "lo"]).completed()).gated());
    let mut socket = std::net::TcpStream::connect(server.address()).expect("the server listens");
    socket
        .write_all(b"POST /api/v1/responses HTTP/1.1\r\ncontent-length: 13\r\nX-One: two\r\n\r\n{\"model\":\"m\"}")
        .expect("it reads");
    let request = server.next_request();
    assert_eq!((request.body["model"].as_str(), request.header("x-one")), (Some("m"), Some("two")));
    let mut bytes = [0; 4096];
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let count = socket.read(&mut bytes).expect("the head comes at once");
        text += &String::from_utf8_lossy(&bytes[..count]);
    }
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    request.release();
    let count = socket.read(&mut bytes).expect("one piece comes");
    assert_eq!(&bytes[..count], b"4\r\n: \n\n\r\n");
    request.release_all();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).expect("the rest comes");
    assert!(rest.contains("\"delta\":\"Hel\"") && rest.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{rest}");
    assert!(!request.is_closed());
    drop(socket);
    request.wait_closed();
}
