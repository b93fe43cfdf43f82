//! What is asked wrongly is refused by name, with what is possible; nothing breaks.

use super::*;

#[tokio::test]
async fn every_mistake_is_named_and_what_is_possible_told() {
    let service = TestApp::start().await;
    let many = vec!["tr"; 51].join(",");
    let thousand = vec!["siddet"; 1000].join(",");
    let eleven = ["siddet"; 11].join(",");
    let long = "a".repeat(97);
    for (collection, query, place, told) in [
        ("publications", "type=novel", "type", "research_report"),
        ("publications", "type=", "type", ""),
        ("publications", "type=news,", "type", ""),
        ("publications", "type=News", "type", "news"),
        ("publications", "type=%20news", "type", "news"),
        ("publications", "type[any]=novel", "type[any]", "news"),
        ("publications", "type=news&type[any]=news", "type", "type[any]"),
        ("publications", "type[gte]=news", "type[gte]", "type["),
        ("publications", "typ=news", "typ", "type"),
        ("publications", "type[no]=news", "type[no]", "type[not]"),
        ("publications", "type[]=news", "type[]", "type"),
        ("publications", "type[not=news", "type[not", "type[not]"),
        ("publications", "type[not][not]=news", "type[not][not]", "type[not]"),
        ("publications", "t1.type=news", "t1.type", "not known"),
        ("publications", "title=Rapor", "title", ""),
        ("publications", "body[exists]=true", "body[exists]", ""),
        ("publications", "created_by=x", "created_by", ""),
        ("publications", "owner=x", "owner", ""),
        ("publications", "source[exists]=true", "source[exists]", ""),
        ("people", "consent[exists]=true", "consent[exists]", ""),
        ("people", "name=A", "name", ""),
        ("events", "location_precision=hidden", "location_precision", ""),
        ("events", "point[exists]=true", "point[exists]", ""),
        ("publications", "type[exists]=yes", "type[exists]", "true, false"),
        ("events", "all_day=1", "all_day", "true, false"),
        ("publications", "issued=gestern", "issued", "YYYY"),
        ("publications", "issued[gte]=2020-13", "issued[gte]", "YYYY"),
        ("publications", "issued[gte]=2020-02-30", "issued[gte]", "YYYY"),
        ("publications", "issued[gte]=2020,2021", "issued[gte]", "YYYY"),
        ("publications", "issued[gte]=now", "issued[gte]", "YYYY"),
        ("publications", "embargo_until[gte]=2020", "embargo_until[gte]", "2024-03-08"),
        ("publications", "year=20", "year", "2024"),
        ("publications", "year=%D9%A2%D9%A0%D9%A2%D9%A0", "year", "2024"),
        ("publications", "updated_at[gt]=yesterday", "updated_at[gt]", "now"),
        ("publications", "updated_at[gt]=2026-03-08T09:00:00", "updated_at[gt]", "now"),
        ("publications", "updated_at[gt]=-9999-01-01T00:00:00Z", "updated_at[gt]", "now"),
        ("publications", "updated_at=2026-03-08T09:00:00Z", "updated_at", "updated_at["),
        ("topics", "position=-1", "position", "0 to 1000000"),
        ("topics", "position[lt]=99999999999999999999", "position[lt]", "0 to 1000000"),
        ("partners", "country=tr", "country", "TR"),
        ("partners", "country=TUR", "country", "TR"),
        ("publications", "language=%F0%9F%98%80", "language", "tr"),
        ("publications", "language=%E2%80%AEtr", "language", "clean"),
        ("publications", "language=%D9%85%D8%B1", "language", "tr"),
        ("publications", "topic=%C5%9Fiddet", "topic", "slugs"),
        ("publications", "topic=../x", "topic", "slugs"),
        ("publications", "topic=%25", "topic", "slugs"),
        ("publications", "topic='%20or%201=1", "topic", "slugs"),
        ("publications", &format!("topic={long}"), "topic", "slugs"),
        ("publications", &format!("language={many}"), "language", "50"),
        ("publications", &format!("topic={thousand}"), "topic", "50"),
        ("publications", &format!("topic[all]={eleven}"), "topic[all]", "10"),
        ("publications", "sort=", "sort", "issued"),
        ("publications", "sort=body", "sort", "issued"),
        ("publications", "sort=created_at", "sort", "issued"),
        ("publications", "sort=password_hash", "sort", "issued"),
        ("publications", "sort=--issued", "sort", "issued"),
        ("publications", "sort=%2Bissued", "sort", "issued"),
        ("publications", "sort=Issued", "sort", "issued"),
        ("publications", "sort=issued%20desc", "sort", "issued"),
        ("publications", "sort=issued;", "sort", "issued"),
        ("publications", "sort=entry.id", "sort", "issued"),
        ("publications", "sort=issued,-issued", "sort", "issued"),
        ("publications", "sort=issued,title,published_at,updated_at", "sort", "3"),
        ("publications", "sort[asc]=title", "sort[asc]", "sort"),
        ("publications", "count=true", "count", "exact"),
        ("people", "sort=role", "sort", "name"),
    ] {
        let refused = service.get(&format!("/v1/{collection}?{query}"), As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "invalid-parameter"), "{query}");
        assert_eq!(refused.places(), [place], "{query}");
        let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(told) && detail.len() > 10, "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_value_that_is_no_clean_text_is_refused() {
    let service = TestApp::start().await;
    for name in ["type", "topic", "language", "issued[gte]", "sort", "updated_at[gt]", "doi"] {
        for value in ["%00", "a%00b", "%07", "%1B[2J", "%FF", "%C3%28", "a%0D%0Ab"] {
            let refused = service.get(&format!("/v1/publications?{name}={value}"), As::Publishable).await;
            assert_eq!((refused.status.as_u16(), refused.places()), (400, vec![name]), "{name}={value}");
        }
    }
}

#[tokio::test]
async fn a_request_has_up_to_twenty_filters_and_each_up_to_fifty_values() {
    let service = TestApp::start().await;
    let names = |count| (0..count).map(|number| format!("konu-{number}")).collect::<Vec<_>>().join(",");
    let mut filters = vec![format!("topic[under]={}", names(50))];
    for field in ["topic", "person", "partner", "project", "cites"] {
        filters.push(format!("{field}[any]={}", names(50)));
        filters.push(format!("{field}[not]={}", names(50)));
        filters.push(format!("{field}[exists]=true"));
    }
    for field in ["topic", "person", "partner", "cites"] {
        filters.push(format!("{field}[all]={}", names(10)));
    }
    let query = filters.join("&");
    let sorted = format!("/v1/publications?sort=-issued,title,-updated_at&count=exact&{query}");
    for who in [As::Publishable, As::Partner, As::Editor] {
        let answer = service.get(&sorted, who).await;
        assert_eq!((answer.status.as_u16(), &answer.body["total"]), (200, &json!(0)), "{}", answer.text);
    }
    let refused = service.get(&format!("{sorted}&type=news"), As::Publishable).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("up to 20 filters"), "{}", refused.text);
}

#[tokio::test]
async fn a_cursor_is_good_only_for_its_filters_order_and_language() {
    let service = TestApp::start().await;
    for title in ["bir", "iki", "üç"] {
        service.published("publications", publication(title)).await;
    }
    let reader = &service;
    let cursor = |query: &'static str| async move {
        let page = reader.get(&format!("/v1/publications?limit=1{query}"), As::Publishable).await;
        page.body["page"]["next_cursor"].as_str().unwrap().to_owned()
    };
    let plain = cursor("").await;
    let filtered = cursor("&language=tr").await;
    let titles = cursor("&sort=title").await;
    for (query, cursor) in [
        ("language=tr", &plain),
        ("sort=title", &plain),
        ("sort=-issued", &plain),
        ("state=published", &plain),
        ("", &filtered),
        ("language=tr,en", &filtered),
        ("language[not]=tr", &filtered),
        ("sort=-title", &titles),
        ("sort=title,issued", &titles),
        ("sort=title&locale=en", &titles),
        ("sort=title&fallback=none", &titles),
        ("sort=title&language=tr", &titles),
    ] {
        let refused =
            service.get(&format!("/v1/publications?{query}&cursor={cursor}"), As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["cursor"]), "{query}");
    }
    for (query, cursor) in [
        ("count=exact&limit=5&locale=en", &plain),
        ("language=tr&fallback=none", &filtered),
        ("sort=title&locale=tr&count=exact", &titles),
    ] {
        let page = service.get(&format!("/v1/publications?{query}&cursor={cursor}"), As::Publishable).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        assert!(page.header("link").contains("rel=\"first\""), "{}", page.header("link"));
    }
}
