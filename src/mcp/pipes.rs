//! Messages through the pipes of a local program.

use std::io;

use rmcp::{
    RoleClient,
    model::{ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use serde_json::Value;
use tokio::{io::Empty, process::ChildStdin, sync::mpsc};

use super::{
    client::ServerLog,
    replies::{MessageShape, OpenRequest, id_number, read_from_server},
};

/// The pipes of a program: messages are received as the task that reads its output finds them.
pub(super) struct PipeTransport {
    received: mpsc::Receiver<Value>,
    /// Only writes.
    writer: AsyncRwTransport<RoleClient, Empty, ChildStdin>,
    requests: OpenRequests,
    log: ServerLog,
}

impl PipeTransport {
    pub(super) fn new(received: mpsc::Receiver<Value>, stdin: ChildStdin, log: ServerLog) -> Self {
        let writer = AsyncRwTransport::new_client(tokio::io::empty(), stdin);
        Self { received, writer, requests: OpenRequests::default(), log }
    }
}

impl Transport<RoleClient> for PipeTransport {
    type Error = io::Error;

    fn send(&mut self, message: ClientJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.requests.note(&message);
        self.writer.send(message)
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let message = self.received.recv().await?;
            if let Some(message) = self.requests.read(message, &self.log) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.writer.close().await
    }
}

/// The requests without a reply, oldest first.
#[derive(Debug, Default)]
struct OpenRequests {
    open: Vec<OpenRequest>,
    newest_id: i64,
}

impl OpenRequests {
    /// Notes what is sent.
    fn note(&mut self, message: &ClientJsonRpcMessage) {
        if let Some(request) = OpenRequest::of(message) {
            if let RequestId::Number(id) = request.id {
                self.newest_id = self.newest_id.max(id);
            }
            self.open.push(request);
        }
        if let ClientJsonRpcMessage::Notification(notification) = message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
        {
            self.open.retain(|request| Some(&request.id) != cancelled.params.request_id.as_ref());
        }
    }

    /// Reads what is received; `None` if it concerns nobody.
    fn read(&mut self, message: Value, log: &ServerLog) -> Option<ServerJsonRpcMessage> {
        match MessageShape::of(&message)? {
            MessageShape::FromServer => read_from_server(message),
            MessageShape::Reply => self.take(&message).map(|request| request.read_reply(message, log)),
        }
    }

    /// The request that a reply is for. One that names no request is for the newest, which was sent just before it.
    fn take(&mut self, reply: &Value) -> Option<OpenRequest> {
        let id = reply.get("id").unwrap_or(&Value::Null);
        if let Some(index) = self.open.iter().position(|request| request.has_id(id)) {
            return Some(self.open.remove(index));
        }
        let is_late = id_number(id).is_some_and(|id| (0..=self.newest_id).contains(&id));
        if is_late || reply.get("jsonrpc").is_none() {
            return None;
        }
        self.open.pop()
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{
        CallToolRequest, CallToolRequestParams, CancelledNotification, CancelledNotificationParam, ClientRequest,
    };
    use serde_json::json;

    use super::*;

    fn sent_calls(ids: &[i64]) -> OpenRequests {
        let mut requests = OpenRequests::default();
        for id in ids {
            let call = CallToolRequest::new(CallToolRequestParams::new("t"));
            let call = ClientRequest::CallToolRequest(call);
            requests.note(&ClientJsonRpcMessage::request(call, RequestId::Number(*id)));
        }
        requests
    }

    /// The id of the request that a reply answers.
    fn answered(requests: &mut OpenRequests, reply: Value) -> Option<Value> {
        let (log, _notices) = ServerLog::new();
        let message = requests.read(reply, &log)?;
        Some(serde_json::to_value(message).expect("it can be written")["id"].clone())
    }

    #[test]
    fn a_reply_finds_its_request_and_one_without_a_name_the_newest() {
        let mut requests = sent_calls(&[1, 2, 3, 4]);
        assert_eq!(answered(&mut requests, json!({ "id": "2", "result": {} })), Some(json!(2)));
        assert_eq!(answered(&mut requests, json!({ "jsonrpc": "2.0", "id": 2, "result": {} })), None, "it is over");
        let nameless = json!({ "jsonrpc": "2.0", "id": null, "error": { "message": "no" } });
        assert_eq!(answered(&mut requests, nameless.clone()), Some(json!(4)));
        let strange = json!({ "jsonrpc": "2.0", "id": "server-error", "error": "no" });
        assert_eq!(answered(&mut requests, strange), Some(json!(3)));
        assert_eq!(answered(&mut requests, json!({ "id": "x", "error": "a row of a log" })), None);
        let cancelled = CancelledNotificationParam::new(Some(RequestId::Number(1)), None);
        let cancelled = ClientNotification::CancelledNotification(CancelledNotification::new(cancelled));
        requests.note(&ClientJsonRpcMessage::notification(cancelled));
        assert_eq!(answered(&mut requests, nameless), None, "nothing is open");
    }
}
