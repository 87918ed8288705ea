//! The conversation with a server. It ends, and the server with it, when this is dropped.

#[cfg(target_os = "linux")]
use super::stdio;
use super::{McpServer, Offered, Reach, trouble::Trouble, web};
use crate::agents::tool::Arguments;
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig, Implementation,
        PaginatedRequestParams, Tool,
    },
    service::{NotificationContext, RunningService},
    transport::async_rw::AsyncRwTransport,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Most pages of a list of tools, and most tools in all.
const MAX_PAGES: usize = 20;
const MAX_TOOLS: usize = 1_000;

/// A server that is there.
pub(super) struct Link {
    // First, so that nobody reads any more when the server is ended.
    service: RunningService<RoleClient, Client>,
    end: End,
    changed: Arc<AtomicBool>,
    tools: Vec<Tool>,
}

/// What ends the server when it is dropped.
enum End {
    #[cfg(target_os = "linux")]
    Program(#[allow(dead_code, reason = "held")] Box<super::super::sandbox::Served>),
    Web(web::Pump),
}

/// What servers may ask of us: nothing but whether we are there.
struct Client {
    /// Whether the server said that its tools are not the same any more.
    changed: Arc<AtomicBool>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let own = Implementation::new("flotilla", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), own)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.store(true, Ordering::Release);
    }
}

impl Link {
    /// Starts the server, greets it, and asks what it offers.
    pub async fn open(server: &McpServer) -> Result<Self, Trouble> {
        let most = server.max_bytes;
        let mut link = match &server.reach {
            #[cfg(target_os = "linux")]
            Reach::Program { command, environment, keeper } => {
                let (process, input, output) = stdio::start(keeper, command, environment, most).await?;
                Self::greet(output, input, most, End::Program(Box::new(process))).await?
            }
            Reach::Url { url, token } => {
                let (pump, stream) = web::open(url, token.as_ref(), most, server.timeout)?;
                let (output, input) = tokio::io::split(stream);
                Self::greet(output, input, most, End::Web(pump)).await?
            }
        };
        link.list().await?;
        Ok(link)
    }

    async fn greet<R, W>(output: R, input: W, most: usize, end: End) -> Result<Self, Trouble>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let changed = Arc::new(AtomicBool::new(false));
        let client = Client { changed: Arc::clone(&changed) };
        // What is longer ends the conversation before it gets there.
        let transport = AsyncRwTransport::<RoleClient, _, _>::new(output, input).with_max_line_length(most + 1);
        match client.serve(transport).await {
            Ok(service) => Ok(Self { service, end, changed, tools: Vec::new() }),
            Err(error) => Err(end.trouble().unwrap_or_else(|| error.into())),
        }
    }

    /// Those of its tools that agents may have.
    pub fn offered(&self, name: &str, server: &McpServer) -> Vec<Offered> {
        Offered::of(name, server, &self.tools)
    }

    /// Calls a tool, if it is still what was offered.
    pub async fn call(&mut self, tool: &Offered, arguments: Arguments) -> Result<CallToolResult, Trouble> {
        if self.changed.swap(false, Ordering::AcqRel) {
            self.list().await?;
        }
        match tool.is_same(&self.tools) {
            None => return Err(Trouble::Gone),
            Some(false) => return Err(Trouble::Changed),
            Some(true) => {}
        }
        let params = CallToolRequestParams::new(tool.tool.clone()).with_arguments(arguments);
        // What it asks for in the middle of a call is nobody's to give.
        match self.service.call_tool_once(params).await {
            Ok(CallToolResponse::Complete(result)) => Ok(result),
            Ok(_) => Err(Trouble::Asks),
            Err(error) => Err(self.end.trouble().unwrap_or_else(|| error.into())),
        }
    }

    /// Whether it ended by itself.
    pub fn is_over(&self) -> bool {
        self.service.is_transport_closed() || self.service.is_closed()
    }

    async fn list(&mut self) -> Result<(), Trouble> {
        let (mut all, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor.take());
            let page = self.service.list_tools(Some(page)).await;
            let page = page.map_err(|error| self.end.trouble().unwrap_or_else(|| error.into()))?;
            all.extend(page.tools);
            if all.len() > MAX_TOOLS {
                return Err(Trouble::List);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                self.tools = all;
                return Ok(());
            }
        }
        Err(Trouble::List)
    }
}

impl End {
    /// Why the conversation ended, where that is known.
    fn trouble(&self) -> Option<Trouble> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Program(_) => None,
            Self::Web(pump) => pump.fault().map(Trouble::Web),
        }
    }
}
