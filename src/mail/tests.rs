//! The mailer, into a folder and against a small SMTP server in this process.

use std::path::Path;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

fn mailer(transport: Transport) -> Mailer {
    let from = "Eşitlik Derneği <no-reply@example.org>".to_owned();
    Mailer::new(MailSettings { transport, from }).unwrap()
}

fn message() -> Message {
    texts::password_reset("ayse@example.org", "https://example.org/account/password#token=k7Jq")
}

fn refused(transport: Transport, from: &str) -> String {
    Mailer::new(MailSettings { transport, from: from.to_owned() }).unwrap_err().to_string()
}

fn at() -> DateTime<Utc> {
    "2026-03-08T09:00:00Z".parse().unwrap()
}

async fn send(mailer: &Mailer, message: Message) -> Result<(), Failure> {
    mailer.send(Uuid::from_u128(7), at(), message).await
}

fn letter(mailer: &Mailer, message: Message) -> Option<transport::Letter> {
    mailer.letter(Uuid::from_u128(7), at(), message)
}

fn letters(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect()
}

#[tokio::test]
async fn a_folder_keeps_whole_private_files() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("mail");
    let mailer = mailer(Transport::Folder(folder.clone()));
    // Sent twice, it is there once: its name is that of its job.
    send(&mailer, message()).await.unwrap();
    send(&mailer, message()).await.unwrap();
    let [letter] = &letters(&folder)[..] else { panic!("one letter") };
    let text = std::fs::read_to_string(letter).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    for line in [
        "From: =?utf-8?b?RcWfaXRsaWsgRGVybmXEn2k=?= <no-reply@example.org>",
        "To: ayse@example.org",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(head.lines().any(|known| known == line), "{line} in {head}");
    }
    assert!(head.contains("\r\nDate: Sun, 08 Mar 2026 09:00:00 +0000\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nMessage-ID: <{}@example.org>", Uuid::from_u128(7))), "{head}");
    assert!(body.lines().any(|line| line == "https://example.org/account/password#token=k7Jq"), "{body}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(letter)), (0o700, 0o600));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing half-written");
}

#[tokio::test]
async fn nobody_adds_headers() {
    let directory = tempfile::tempdir().unwrap();
    let mailer = mailer(Transport::Folder(directory.path().to_owned()));
    for to in ["a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "a@example.org\n", ""] {
        assert!(letter(&mailer, Message { to: to.to_owned(), ..message() }).is_none(), "{to:?}");
    }
    let subject = "Hesabınız\r\nBcc: b@example.org\r\n\r\n<b>".to_owned();
    let letter = letter(&mailer, Message { subject, ..message() }).unwrap();
    let text = String::from_utf8(letter.message.formatted()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(body.starts_with("Merhaba"), "{body}");
    let from = "Evil\r\nBcc: b@example.org <a@example.org>";
    assert!(refused(Transport::Folder(directory.path().to_owned()), from).starts_with("mail_from"));
}

/// A server that answers `refusals` first and takes what comes after; it tells what was said to it.
async fn server(refusals: &'static [&'static str]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (told, said) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut refusals = refusals.iter();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            told.send(talk(stream, refusals.next().copied()).await).unwrap();
        }
    });
    (url, said)
}

async fn talk(stream: TcpStream, refusal: Option<&str>) -> String {
    let mut stream = BufReader::new(stream);
    let (mut said, mut in_data) = (String::new(), false);
    stream.write_all(b"220 test ESMTP\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return said;
        }
        said.push_str(&line);
        let answer = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                "250 kept"
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            other if other.starts_with("RCPT") => refusal.unwrap_or("250 ok"),
            _ => "250 ok",
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return said;
        }
    }
}

#[tokio::test]
async fn a_server_receives_the_message_at_the_second_try() {
    let (url, mut said) = server(&["451 greylisted ayse@example.org"]).await;
    let mailer = mailer(Transport::Smtp(url));
    let failure = send(&mailer, message()).await.unwrap_err();
    assert!(matches!(failure, Failure::Temporary(_)));
    assert_eq!(failure.to_string(), "the mail server asks to try again later", "without its words");
    send(&mailer, message()).await.unwrap();
    assert!(!said.recv().await.unwrap().contains("DATA"));
    let taken = said.recv().await.unwrap();
    for line in ["EHLO example.org", "MAIL FROM:<no-reply@example.org>", "RCPT TO:<ayse@example.org>", "."] {
        assert!(taken.lines().any(|known| known.trim_end() == line), "{line} in {taken}");
    }
    assert!(taken.contains("Subject: =?utf-8?"), "{taken}");
}

#[tokio::test]
async fn a_refusal_for_good_is_told_from_one_for_now() {
    let (url, mut said) = server(&["550 nobody here: ayse@example.org"]).await;
    let mailer = mailer(Transport::Smtp(url));
    let failure = send(&mailer, message()).await.unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)));
    assert_eq!(failure.to_string(), "the mail server refused with 550", "without its words");
    assert!(said.recv().await.is_some());
    let nobody = send(&mailer, Message { to: "nobody".to_owned(), ..message() }).await.unwrap_err();
    assert!(matches!(nobody, Failure::Permanent(_)) && !nobody.to_string().contains("nobody"));
    assert!(said.try_recv().is_err(), "nothing is said to a server without an address");
    let elsewhere = Transport::Smtp("smtp://127.0.0.1:1".to_owned());
    let failure = send(&self::mailer(elsewhere), message()).await.unwrap_err();
    assert!(matches!(failure, Failure::Temporary(_)), "{failure}");
}

#[tokio::test]
async fn bad_settings_are_refused_by_name() {
    let smtp = |url: &str| refused(Transport::Smtp(url.to_owned()), "no-reply@example.org");
    for url in [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtps://mail.example.org/?tls=none",
        "smtps://mail.example.org/path",
        "smtps://user@mail.example.org",
        "smtps://:hunter2@mail.example.org",
        "smtps://u%ff:hunter2@mail.example.org",
    ] {
        let text = smtp(url);
        assert!(text.starts_with("mail_url: ") && !text.contains("hunter2"), "{url}: {text}");
    }
    let settings = |url: &str| MailSettings {
        transport: Transport::Smtp(url.to_owned()),
        from: "Ad <no-reply@example.org>".to_owned(),
    };
    for url in [
        "smtps://user:p%40ss@mail.example.org:465",
        "smtp://user:hunter2@mail.example.org",
        "smtp://[::1]:2525",
    ] {
        assert!(Mailer::new(settings(url)).is_ok(), "{url}");
    }
    let shown = format!("{:?}", settings("smtps://user:hunter2@mail.example.org"));
    assert!(!shown.contains("hunter2"), "{shown}");
    let from = refused(Transport::Smtp("smtp://localhost".to_owned()), "nobody");
    assert!(from.starts_with("mail_from: "), "{from}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_starttls_nothing_is_said_to_others() {
    let (url, mut said) = server(&[]).await;
    let port = url.rsplit(':').next().unwrap();
    // Linux takes this address for its own; we do not.
    let elsewhere = mailer(Transport::Smtp(format!("smtp://user:hunter2@0.0.0.0:{port}")));
    assert!(send(&elsewhere, message()).await.is_err());
    let said = said.recv().await.unwrap();
    assert!(said.starts_with("EHLO") && !said.contains("AUTH") && !said.contains("MAIL"), "{said}");
}
