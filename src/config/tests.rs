//! Settings, good and bad.

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_sources(file, environment).map_err(|error| error.to_string())
}

#[test]
fn the_environment_outranks_the_file() {
    let config = load("listen = '127.0.0.1:1'", &[("SOGEP_LISTEN", "127.0.0.1:2")]);
    assert_eq!(config.map(|config| config.base_url), Ok("http://127.0.0.1:2".to_owned()));
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = load("", &[("SOGEP_LISTN", "x")]).unwrap_err();
    assert!(error.contains("SOGEP_LISTN") && error.contains("listen"), "{error}");
    let error = load("acess = 'key'", &[]).unwrap_err();
    assert!(error.contains("acess") && error.contains("access"), "{error}");
}

#[test]
fn a_value_nobody_understands_is_refused() {
    for (name, value) in [
        ("SOGEP_LISTEN", "here"),
        ("SOGEP_ADMIN_LISTEN", "9090"),
        ("SOGEP_ADMIN_LISTEN", "127.0.0.1:8080"),
        ("SOGEP_ADMIN_LISTEN", "0.0.0.0:9090"),
        ("SOGEP_ACCESS", "everyone"),
        ("SOGEP_SECRET", "changeme"),
        ("SOGEP_LOCALES", "türkçe"),
        ("SOGEP_DEFAULT_LOCALE", "de"),
        ("SOGEP_BASE_URL", "https://example.org/api"),
        ("SOGEP_DATABASE_CONNECTIONS", "0"),
        ("SOGEP_LOG", "a=b=c"),
        ("SOGEP_LOG", "loud"),
        ("SOGEP_SECRET", "0123456789012345678901234567890123456789"),
        ("SOGEP_SECRET", "abcdefghijklmnopqrstuvwxyz012345"),
        ("SOGEP_SECRET", "qwertyuiopasdfghjklzxcvbnm123456"),
        ("SOGEP_SECRET", "my_very_secret_master_key_for_sogep_2026"),
        ("SOGEP_SECRET", "replace-me-with-a-long-random-string-please"),
        ("SOGEP_CORS_ORIGINS", "https://*.example"),
        ("DATABASE_URL", "mysql://localhost/x"),
    ] {
        assert!(load("", &[(name, value)]).is_err(), "{name}={value}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_not_shown() {
    for file in [
        "secret = \"s3crCANARY\n",
        "log = 'info'\nsecret = s3crCANARY",
        "secret = 's3crCANARY'\nsecret = 's3crCANARY'",
    ] {
        let error = load(file, &[]).unwrap_err();
        assert!(!error.contains("s3crCANARY") && error.contains("line "), "{error}");
    }
}

#[test]
fn the_second_listener_is_on_this_machine_unless_somebody_says_otherwise() {
    let admin = |environment: &[(&str, &str)]| load("", environment).unwrap().admin_listen;
    let at = |address: &str, is_named| Some(AdminListen { address: address.parse().unwrap(), is_named });
    assert_eq!(admin(&[]), at("127.0.0.1:9090", false));
    assert_eq!(admin(&[("SOGEP_ADMIN_LISTEN", "127.0.0.1:9090")]), at("127.0.0.1:9090", true));
    assert_eq!(admin(&[("SOGEP_ADMIN_LISTEN", "off")]), None);
    // The image says so for the first listener; the second one stays where it is.
    let image = [("SOGEP_PLAIN_HTTP", "anywhere"), ("SOGEP_LISTEN", "0.0.0.0:8080")];
    assert_eq!(admin(&image), at("127.0.0.1:9090", false));
    let outside = [("SOGEP_PLAIN_HTTP", "anywhere"), ("SOGEP_ADMIN_LISTEN", "10.0.0.1:9090")];
    assert_eq!(admin(&outside), at("10.0.0.1:9090", true));
}

#[test]
fn secrets_are_not_shown() {
    let config = load(
        "",
        &[
            ("DATABASE_URL", "postgres://me:hunter2@db/x"),
            ("SOGEP_SECRET", "s3cr+1f0b7c2d9e8a6543qwXYZ-plmokn"),
        ],
    );
    let shown = format!("{:?}", config.unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("s3cr"), "{shown}");
}
