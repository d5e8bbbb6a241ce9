use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::control::{AskError, Request, Row};

/// Stands in for a protocol: says whether there is room, then waits for the end of either side.
fn greeter(protocol: Protocol) -> Option<Handler> {
    fn greet(incoming: Incoming, context: Arc<Context>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let Incoming { mut stream, admitted, .. } = incoming;
            let word: &[u8] = if admitted { b"welcome\n" } else { b"full\n" };
            stream.write_all(word).await.unwrap();
            if admitted {
                tokio::select! {
                    _ = stream.read_u8() => {}
                    () = context.stopping() => stream.write_all(b"bye\n").await.unwrap(),
                }
            }
        })
    }
    matches!(protocol, Protocol::Smtp | Protocol::Pop3).then_some(greet)
}

fn config(folder: &Path, more: &str) -> Config {
    let text = format!(
        "[listen]\nsmtp = [\"127.0.0.1:0\", \"[::1]:0\"]\nsubmission = \"\"\npop3 = \"127.0.0.1:0\"\nimap = \"\"\nwebmail = \"\"\n{more}"
    );
    let mut config = Config::parse(&text, folder).unwrap();
    // Not every machine has IPv6.
    config.listen.retain(|listen| std::net::TcpListener::bind(listen.address).is_ok());
    config
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.listening[0].address).await.unwrap()
}

async fn word(stream: &mut TcpStream) -> String {
    let mut word = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(b'\n') | Err(_) => return String::from_utf8(word).unwrap(),
            Ok(octet) => word.push(octet),
        }
    }
}

#[tokio::test]
async fn listens_serves_and_stops() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start(config(place.path(), ""), greeter).unwrap();
    assert!(server.listening.iter().all(|listen| listen.address.port() != 0));
    assert_eq!(server.listening.first().map(|listen| listen.protocol), Some(Protocol::Smtp));
    assert_eq!(server.listening.last().map(|listen| listen.protocol), Some(Protocol::Pop3));
    let mut stream = connect(&server).await;
    assert_eq!(word(&mut stream).await, "welcome");
    let address = server.listening[0].address;
    server.stop(Duration::from_secs(5)).await;
    assert_eq!(word(&mut stream).await, "bye");
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!place.path().join("data/control").exists());
}

#[tokio::test]
async fn a_connection_that_does_not_end_is_not_waited_for() {
    fn deaf(incoming: Incoming, _: Arc<Context>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let _incoming = incoming;
            std::future::pending::<()>().await;
        })
    }
    let place = tempfile::tempdir().unwrap();
    let server = Server::start(config(place.path(), ""), |_| Some(deaf)).unwrap();
    let _stream = connect(&server).await;
    while *server.places.open.borrow() == 0 {
        tokio::task::yield_now().await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(5), server.stop(Duration::from_millis(50))).await;
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn connections_are_limited() {
    let place = tempfile::tempdir().unwrap();
    for limits in ["connections = 2", "connections_per_address = 2"] {
        let server = Server::start(config(place.path(), &format!("[limits]\n{limits}")), greeter).unwrap();
        let mut first = connect(&server).await;
        let mut second = connect(&server).await;
        assert_eq!((word(&mut first).await, word(&mut second).await), ("welcome".into(), "welcome".into()));
        let mut third = connect(&server).await;
        assert_eq!(word(&mut third).await, "full", "{limits}");
        drop((first, third));
        server.places.open.subscribe().wait_for(|open| *open == 1).await.unwrap();
        let mut fourth = connect(&server).await;
        assert_eq!(word(&mut fourth).await, "welcome");
        server.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_said() {
    let place = tempfile::tempdir().unwrap();
    let error = Server::start(config(place.path(), ""), |_| None).unwrap_err().to_string();
    assert_eq!(error, "smtp is not there yet; set listen.smtp to \"\"");
    let first = Server::start(config(place.path(), ""), greeter).unwrap();
    let second = Server::start(config(place.path(), ""), greeter).unwrap_err();
    assert!(format!("{second:#}").contains("another server uses"), "{second:#}");
    let mut taken = config(place.path(), "");
    taken.listen[0].address = first.listening[0].address;
    let error = Server::start(taken, greeter).unwrap_err().to_string();
    assert!(error.starts_with("cannot listen for smtp on 127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn commands_go_through_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let list = Request::ListAccounts {};
    assert_eq!(control::ask(&data, &list, |_| ()).await, Err(AskError::NobodyThere));
    let server = Server::start(config(place.path(), ""), greeter).unwrap();
    let mode = control::path(&data).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let add = |address: &str| Request::AddAccount {
        address: address.into(),
        password: "secret".into(),
        keep_password: false,
    };
    for name in ["alice", "bob"] {
        assert_eq!(control::ask(&data, &add(&format!("{name}@localhost")), |_| ()).await, Ok(1));
    }
    let again = control::ask(&data, &add("bob@localhost"), |_| ()).await;
    assert_eq!(again, Err(AskError::Refused("exists already".into())));
    let mut names = Vec::new();
    let listed = control::ask(&data, &list, |row| match row {
        Row::Account(account) => names.push(account.address),
        Row::Message(_) => panic!("a message among accounts"),
    });
    assert_eq!(listed.await, Ok(2));
    assert_eq!(names, ["alice@localhost", "bob@localhost"]);
    for request in
        [Request::ShowQueued { id: 1 }, Request::RetryQueued { id: Some(1) }, Request::RemoveQueued { id: 1 }]
    {
        let refused = control::ask(&data, &request, |_| ()).await;
        assert_eq!(refused, Err(AskError::Refused("not found".into())));
    }
    assert_eq!(control::ask(&data, &Request::ListQueue {}, |_| ()).await, Ok(0));

    // What is not a request gets an answer without its text, for a password may be in there.
    let mut stream = tokio::net::UnixStream::connect(control::path(&data)).await.unwrap();
    stream.write_all(b"{\"command\":\"dance\",\"password\":\"hidden\"}\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "{\"error\":\"not a request\"}\n");
    server.stop(Duration::from_secs(5)).await;
    assert_eq!(control::ask(&data, &list, |_| ()).await, Err(AskError::NobodyThere));
}

#[tokio::test]
async fn hints_name_the_certificate_and_the_ports() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start(config(place.path(), ""), greeter).unwrap();
    let text = hints::commands(&server.context, &server.listening, None);
    assert!(text.contains("account add bob@") && !text.contains("--config"), "{text}");
    let file = place.path().join("it's.toml");
    let with_file = hints::commands(&server.context, &server.listening, Some(&file));
    let option = format!(" --config '{}/it'\\''s.toml'\n", place.path().display());
    assert!(with_file.contains(&option), "{with_file}");
    let certificate = place.path().join("data/certificate.pem");
    assert!(text.contains(&format!("--cacert '{}'", certificate.display())), "{text}");
    for listen in &server.listening {
        assert!(text.contains(&listen.address.to_string()), "{text}");
    }
}
