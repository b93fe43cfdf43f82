// What a frontend developer does with a client that is generated from the document: it must compile in
// strict mode, refuse what the service does not know, and get from a service with the demo content what its
// types promise. `.ci/run` generates `api.ts`, compiles this and runs it. Environment: BASE_URL, PK.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };

function must(holds: unknown, told: string): asserts holds {
    if (!holds) throw new Error(told);
}

/** What was answered; what went wrong is thrown. */
function had<T>(answer: { data?: T; error?: unknown; response: Response }): T {
    must(answer.data !== undefined, `${answer.response.url}: ${JSON.stringify(answer.error)}`);
    return answer.data;
}

const client = createClient<paths>({
    baseUrl: process.env["BASE_URL"] ?? "",
    headers: { Authorization: `Bearer ${process.env["PK"]}` },
    // Lists of values are separated by commas.
    querySerializer: { array: { style: "form", explode: false } },
});

// A range, values, narrower topics, an order, words, counts, a total; and of each entry just what is shown.
const list = had(
    await client.GET("/v1/publications", {
        params: {
            query: {
                issued: { gte: "2010", lt: "2024" },
                type: ["research_report", "policy_brief", "guide", "toolkit"],
                topic: { under: "siddet" },
                q: "kadın",
                sort: ["-issued", "title"],
                fields: ["id", "title", "issued", "summary:excerpt(80)", "authors.name", "project.name"],
                include: ["body_html", "topics"],
                facets: ["topic", "year", "type"],
                count: "exact",
                limit: 5,
                locale: "tr",
            },
        },
    }),
);
must(list.total !== undefined && list.total > 0, "the filter finds something");
must(list.data.length === Math.min(5, list.total), "a page is full when there is more");
let before = "9999";
for (const entry of list.data) {
    must(entry.id && entry.title && entry.issued, "what was picked is there");
    must(entry.issued >= "2010" && entry.issued < "2024" && entry.issued <= before, `in the range, in order: ${entry.issued}`);
    must((entry.summary ?? "").length <= 81, "an excerpt is short");
    must(!("slug" in entry) && !("body" in entry), "what was not picked is not there");
    must(entry.body_html === null || entry.body_html?.startsWith("<"), "the long text is HTML");
    for (const topic of entry.topics ?? []) must(topic.entry?.label === topic.name, "a topic is included");
    before = entry.issued;
}
const years = list.facets?.find((facet) => facet.name === "year");
const counted = years?.values.reduce((sum, value) => sum + value.count, 0);
must(counted === list.total, "each publication has one year");

// Every page, by its cursor; the last one has none.
const seen = new Set<string>();
let cursor: string | null = null;
do {
    const page: components["schemas"]["PublicationPage"] = had(
        await client.GET("/v1/publications", {
            params: { query: { limit: 7, sort: ["title"], ...(cursor === null ? {} : { cursor }) } },
        }),
    ) as components["schemas"]["PublicationPage"];
    for (const { slug } of page.data) {
        must(!seen.has(slug), `${slug} comes once`);
        seen.add(slug);
    }
    cursor = page.page.next_cursor;
} while (cursor !== null);
must(had(await client.GET("/v1/publications", { params: { query: { count: "exact", limit: 1 } } })).total === seen.size, "all pages are all there is");

// One entry with what belongs beside it.
const id = [...seen][0];
must(id, "there is an entry");
const entry = had(
    await client.GET("/v1/publications/{id}", { params: { path: { id }, query: { include: ["related", "authors"] } } }),
);
must(entry.slug === id && entry.body !== undefined, "an item is whole");
for (const related of entry.related ?? []) must(related.reasons.length > 0, "what is related says why");
for (const author of entry.authors ?? []) {
    must(author.person === null || author.person?.entry?.name?.display === author.person?.name, "an author is included");
}

// A search that forgives, and says where it found what.
const found = had(await client.GET("/v1/search", { params: { query: { q: "kadina yonelik SIDDET", facets: ["kind"], limit: 3 } } }));
const hit = found.data[0];
must(found.total > 0 && hit, "something is found");
must(hit.highlights.title.map((part) => part.text).join("") === hit.title, "the parts are the title");
must(found.facets[0]?.values.reduce((sum, value) => sum + value.count, 0) === found.total, "each entry is of one kind");
const misspelt = had(await client.GET("/v1/search", { params: { query: { q: "standrtları" } } }));
must(misspelt.suggestion?.startsWith("standart"), `${misspelt.suggestion} is suggested`);

// What the service would refuse does not compile.
const refused = await client.GET("/v1/publications", {
    // @ts-expect-error no such order
    params: { query: { sort: ["colour"] } },
});
must(refused.error?.status === 400 && refused.error.errors[0]?.parameter === "sort", "a refusal says where");
// @ts-expect-error no such collection
await client.GET("/v1/publication");
// @ts-expect-error no such word
const word: components["schemas"]["PublicationType"] = "leaflet";
// @ts-expect-error no such property
must(entry.titel === undefined && word, "no such property");
