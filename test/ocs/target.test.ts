import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CATALOG, type ResourceName } from "../../src/ocs/catalog.ts";
import { IDENTIFIERS } from "../../src/ocs/identifiers.ts";
import { readTarget, splitTarget, writeTarget, type Operation } from "../../src/ocs/target.ts";
import { Violation } from "../../src/ocs/violation.ts";
import { corpus } from "./corpus.ts";
import { ruleBrokenBy, violation } from "./violated.ts";

const RESOURCES = Object.keys(CATALOG) as ResourceName[];
const REQ: Record<ResourceName, string> = {
  records: "RecordReject",
  phones: "DoNotCall",
  customer_ids: "DoNotCall",
  lists: "AddRecord",
  campaigngroups: "Load",
};

const post = (target: string): string => writeTarget(readTarget("POST", target));
const accepted = (method: string, target: string): Operation | undefined => {
  try {
    return readTarget(method, target);
  } catch (error) {
    if (error instanceof Violation) return undefined;
    throw error;
  }
};

/** Nothing in an identifier may mean anything to a path, to a second decoding or to a line. */
// eslint-disable-next-line no-control-regex
const HARMFUL = /[/\\%?#\p{C}\p{Zl}\p{Zp}]/u;
const expectHarmless = (operation: Operation): void => {
  expect(operation.identifier).not.toMatch(HARMFUL);
  expect(operation.identifier).not.toMatch(/^\.{1,2}$/);
  const written = writeTarget(operation);
  expect(written).toMatch(/^\/[a-z_]+\/[^/?#\\\s]+(?:\?req=[A-Za-z]+)?$/);
  expect(readTarget(operation.action.method, written)).toEqual(operation);
};

describe("readTarget", () => {
  it.each([
    ["http://ocs.us.int.genesyslab.com:8080/records/15?req=RecordProcessed", "/records/15?req=RecordProcessed"],
    ["HTTPS://ocs.example/lists/Alpha%20List?req=AddRecord", "/lists/Alpha%20List?req=AddRecord"],
    ["/phones/+14155550100?req=DoNotCall", "/phones/+14155550100?req=DoNotCall"],
    ["/phones/%2B14155550100?req=DoNotCall", "/phones/+14155550100?req=DoNotCall"],
    ["/customer_ids/a.b@c:d-e?req=RequestRecordCancel", "/customer_ids/a.b@c:d-e?req=RequestRecordCancel"],
    ["/customer_ids/CUST_0001?req=DoNotCall", "/customer_ids/CUST_0001?req=DoNotCall"],
    ["/customer_ids/a+b@crm?req=DoNotCall", "/customer_ids/a%2Bb@crm?req=DoNotCall"],
    ["/customer_ids/+7?req=DoNotCall", "/customer_ids/%2B7?req=DoNotCall"],
    ["/customer_ids/%2Babc?req=DoNotCall", "/customer_ids/%2Babc?req=DoNotCall"],
    ["/lists/+List?req=AddRecord", "/lists/%2BList?req=AddRecord"],
    ["/phones/+sales@crm.example?req=DoNotCall", "/phones/%2Bsales@crm.example?req=DoNotCall"],
    ["/customer_ids/a%2Bb%40crm?req=DoNotCall", "/customer_ids/a%2Bb@crm?req=DoNotCall"],
    ["/customer_ids/A%20B%207?req=DoNotCall", "/customer_ids/A%20B%207?req=DoNotCall"],
    ["/customer_ids/%C3%A4?req=DoNotCall", "/customer_ids/%C3%A4?req=DoNotCall"],
    ["/customer_ids/(7),8%7C9~!?req=DoNotCall", "/customer_ids/(7)%2C8%7C9~!?req=DoNotCall"],
    ["/phones/a.b+c@crm.example?req=DoNotCall", "/phones/a.b%2Bc@crm.example?req=DoNotCall"],
    ["/phones/o%27brien@crm.example?req=RequestRecordCancel", "/phones/o'brien@crm.example?req=RequestRecordCancel"],
    ["/lists/A+B?req=AddRecord", "/lists/A%2BB?req=AddRecord"],
    ["/lists/%C3%84rzte?req=AddRecord", "/lists/%C3%84rzte?req=AddRecord"],
    ["/records/%31%35?req=RecordReject", "/records/15?req=RecordReject"],
    ["/campaigngroups/2147483647?req=load", "/campaigngroups/2147483647?req=Load"],
  ])("reads %s and writes %s", (target, written) => {
    expect(post(target)).toBe(written);
  });

  it.each([
    ["/campaigngroups/115", "115"],
    ["/campaigngroups", undefined],
  ])("reads GET %s", (target, identifier) => {
    expect(readTarget("GET", target)).toEqual({ action: CATALOG.campaigngroups.actions.ReadStatus, identifier });
  });

  it.each([
    "*",
    "",
    "ocs.example:443",
    "records/15?req=RecordReject",
    "/",
    "//",
    "/records",
    "/records/",
    "//records/15",
    "/records//15",
    "/records/15/",
    "/records/15/x",
    "/RECORDS/15",
    "/record/15",
    "/campaigngroups/",
    "/campaigngroups/106#x",
    "/records/15;v=1",
    "/records/./15",
    "/records/..",
    "/records/15%00",
    "/records/1%2f5",
    "ftp://h/records/15",
    "http://h",
    "http:/records/15",
    "/records/15\n",
    "/records/15 ",
    "/rec%6Frds/15",
    "/phones",
    "/lists/",
  ])("finds no resource in %j", (target) => {
    expect(ruleBrokenBy(() => readTarget("POST", target.includes("?") ? target : `${target}?req=RecordReject`))).toBe(
      "resource",
    );
  });

  it.each(["?req=Load", "?", "?x=1"])("accepts no parameter with a GET: %s", (query) => {
    expect(ruleBrokenBy(() => readTarget("GET", `/campaigngroups/106${query}`))).toBe("action");
  });

  it.each(RESOURCES)("lists the methods of /%s", (resource) => {
    const { methods } = CATALOG[resource];
    for (const method of ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "post", "__proto__"]) {
      expect(violation(() => readTarget(method, `/${resource}/106?req=${REQ[resource]}`))).toMatchObject({
        rule: "method",
        allow: methods,
      });
    }
  });

  it("allows only GET for a whole resource", () => {
    expect(violation(() => readTarget("POST", "/campaigngroups?req=Load"))).toMatchObject({
      rule: "method",
      allow: ["GET"],
    });
  });

  it("never repeats a part of the target", () => {
    for (const target of [
      "/records/secret-1?req=RecordReject",
      "/secret-2/15",
      "/records/15?req=SecretThree",
      "/records/15?secret=4",
    ]) {
      expect(violation(() => readTarget("POST", target))?.message).not.toMatch(/secret/i);
    }
  });
});

describe("W12: a parameter that is not exactly req", () => {
  it.each([
    "",
    "?",
    "?req",
    "?req=",
    "?req=Load&req=ForceUnload",
    "?req=Load&",
    "?&req=Load",
    "?req=Load&x=1",
    "?x=1&req=Load",
    "?%72eq=Load",
    "?REQ=Load",
    "?req[]=Load",
    "?req=%4Coad",
    "?req=Load;req=Unload",
    "?req=Load%00",
    "?req=Load+",
    "? req=Load",
    "?req=Load?",
    "?req==Load",
    "?req=RecordProceed",
    "?req=ReadStatus",
    "?req=__proto__",
    "?req=constructor",
    "?req=toString",
  ])("is refused: %s", (query) => {
    expect(ruleBrokenBy(() => readTarget("POST", `/campaigngroups/106${query}`))).toBe("action");
  });

  it.each(["/campaigngroups/106?req=Load#x", "/campaigngroups/106;a=b?req=Load", "/campaigngroups;a=b/106?req=Load"])(
    "finds no resource in a target with a fragment or matrix parameter: %s",
    (target) => {
      expect(ruleBrokenBy(() => readTarget("POST", target))).toBe("resource");
    },
  );

  it("is reported with the resource's actions, if misspelled or of another resource", () => {
    expect(violation(() => readTarget("POST", "/phones/4155550100?req=RecordProcessed"))?.message).toContain(
      "DoNotCall, RequestRecordCancel",
    );
    expect(violation(() => readTarget("POST", "/lists/Alpha%20List"))?.message).toContain("AddRecord");
  });
});

describe("W13: a path that other software may read differently", () => {
  const odd = [
    "%2f..%2f",
    "..%2f15",
    "15%2f..%2f16",
    "%5c15",
    "15\\..\\16",
    "15%00",
    "%2515",
    "%25%31%35",
    "%252f",
    "１５",
    "%EF%BC%91%EF%BC%95",
    "015",
    "00",
    "0",
    "+15",
    "-15",
    "15.0",
    "1e1",
    "0x0f",
    " 15",
    "15%20",
    "15%0a",
    "15%0d%0a",
    "%",
    "%1",
    "%zz",
    "%c0%af",
    "%e0%80%af",
    "%ff",
    "%u0031",
    "..",
    ".",
    "%2e%2e",
    "..;",
    "%e2%80%ae15",
    "2147483648",
    "99999999999999999999",
    "",
  ];
  it.each(odd)("identifies no record and no campaign group: %j", (identifier) => {
    expect(accepted("POST", `/records/${identifier}?req=RecordReject`)).toBeUndefined();
    expect(accepted("POST", `/campaigngroups/${identifier}?req=Load`)).toBeUndefined();
    expect(accepted("GET", `/campaigngroups/${identifier}`)).toBeUndefined();
  });

  it.each([
    "12",
    "123456789012345678901",
    "415-555-0100",
    "(415)5550100",
    "%2B",
    "++14155550100",
    "1%2B415",
    "*",
    "%25",
    "415555010_",
    "abc",
    "a@",
    "@b",
    "a@b@c",
    "a%25@b",
    "a%2Fb@c",
    "a*@b",
    "a%3Bb@c",
    "a%20b@c",
    "a%0A@b",
    "a%E2%80%8B@b",
    "..",
    "４１５５５５０１００",
  ])("is not a phone number: %s", (phone) => {
    expect(accepted("POST", `/phones/${phone}?req=DoNotCall`)).toBeUndefined();
  });

  it.each([
    "%27",
    "o%27brien",
    "*",
    "a*",
    "%25",
    "a%3Bb",
    "a%22b",
    "a%60b",
    "%3Cb%3E",
    "a%2Fb",
    "a%5Cb",
    "a%3Fb",
    "a%23b",
    "%20a",
    "a%20",
    "a%0Ab",
    "a%00b",
    "a%C2%85b",
    "a%E2%80%8Bb",
    "a%E2%80%AEb",
    "a%E2%80%A8b",
    "a%EE%80%80b",
    "a%ED%A0%80b",
    "A%CC%88",
    "..",
    ".",
    "%2e%2e",
    "x".repeat(65),
  ])("is not a customer id: %s", (id) => {
    expect(accepted("POST", `/customer_ids/${id}?req=DoNotCall`)).toBeUndefined();
  });

  it.each([
    ["a slash", "a%2Fb"],
    ["a backslash", "a%5Cb"],
    ["a percent sign", "a%25b"],
    ["a question mark", "a%3Fb"],
    ["a number sign", "a%23b"],
    ["NUL", "a%00b"],
    ["a line feed", "a%0Ab"],
    ["NEL", "a%C2%85b"],
    ["a line separator", "a%E2%80%A8b"],
    ["a paragraph separator", "a%E2%80%A9b"],
    ["a bidi override", "a%E2%80%AEb"],
    ["a zero-width space", "a%E2%80%8Bb"],
    ["a soft hyphen", "a%C2%ADb"],
    ["a private character", "a%EE%80%80b"],
    ["a surrogate in UTF-8", "a%ED%A0%80b"],
    ["a blank in front", "%20a"],
    ["a blank at the end", "a%20"],
    ["a no-break space at the end", "a%C2%A0"],
    ["a decomposed letter", "A%CC%88rzte"],
    ["dots", ".."],
    ["256 characters", "x".repeat(256)],
  ])("is not the name of a calling list: with %s", (_, name) => {
    expect(accepted("POST", `/lists/${name}?req=AddRecord`)).toBeUndefined();
  });
});

const payloads = corpus("path-payloads");

describe.skipIf(payloads.absent)("PayloadsAllTheThings' path payloads", () => {
  const everyLine = (): string[] => payloads.files().flatMap((file) => payloads.lines(file));
  const spellings = (line: string): string[] => [line, encodeURIComponent(line), line.replace(/^\//, "")];
  const read = (resource: ResourceName): Operation[] =>
    everyLine()
      .flatMap(spellings)
      .flatMap((line) => [
        accepted("POST", `/${resource}/${line}?req=${REQ[resource]}`),
        accepted("GET", `/${resource}/${line}`),
      ])
      .filter((each) => each !== undefined);

  it("are complete", () => {
    expect(everyLine().length).toBeGreaterThan(1900);
  });

  it.each(["records", "phones", "campaigngroups"] as const)("never identify anything in /%s", (resource) => {
    expect(read(resource)).toEqual([]);
  });

  // A calling list and a customer may be called anything that a site chooses. "0x2f" is four letters: nothing decodes
  // it.
  it.each(["lists", "customer_ids"] as const)("identify something in /%s only if they are a plain name", (resource) => {
    const found = read(resource);
    for (const operation of found) expectHarmless(operation);
    for (const { identifier } of found)
      expect(identifier).toMatch(/^(?:\.htaccess|(?:(?:\.\.|0x2e0x2e)0x(?:2f|5c))+\{FILE\})$/);
  });
});

const llhttp = corpus("llhttp");

describe.skipIf(llhttp.absent)("llhttp's URLs", () => {
  it("are split into their parts, or refused, and identify no resource of OCS", () => {
    const urls = llhttp
      .lines("urls.jsonl")
      .map((line) => Buffer.from((JSON.parse(line) as { raw_b64: string }).raw_b64, "base64").toString("latin1"));
    expect(urls).toHaveLength(21);
    for (const url of urls) {
      const target = splitTarget(url);
      if (target)
        expect(url.replace(/^https?:\/\//, "")).toBe(
          `${target.authority ?? ""}${target.path}${target.query === undefined ? "" : `?${target.query}`}`,
        );
      for (const method of ["GET", "POST"]) expect(accepted(method, url)).toBeUndefined();
    }
  });

  it.each([
    ["http://hostname:444/records/15", "hostname:444"],
    ["http://[1:2::3:4]:67/records/15", "[1:2::3:4]:67"],
    ["http://a:b@host.com:8080/records/15", "a:b@host.com:8080"],
    ["http:///records/15", ""],
    ["/records/15", undefined],
  ])("keep the authority of %s for the check of host names", (url, authority) => {
    expect(splitTarget(url)).toEqual({ authority, path: "/records/15", query: undefined });
  });
});

describe("any target", () => {
  const digits = (min: number, max: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom("0", "1", "2", "4", "5", "9"), minLength: min, maxLength: max });
  const identifier = fc.oneof(
    digits(1, 12),
    digits(3, 20).map((phone) => `+${phone}`),
    fc.stringMatching(/^[A-Za-z0-9.@:-]{1,20}$/),
    fc.stringMatching(/^[A-Z][a-zäöü' &()-]{0,20}[a-z]$/),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 6 }).filter((text) => text.isWellFormed()),
  );
  const ways = {
    plainly: (character: string) => encodeURIComponent(character),
    encoded: (character: string) => Buffer.from(character).toString("hex").replace(/../g, "%$&"),
    raw: (character: string) => character,
    twice: (character: string) => encodeURIComponent(encodeURIComponent(character)),
  };
  const way = fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom("plainly" as const, "encoded" as const) },
    { weight: 1, arbitrary: fc.constantFrom("raw" as const, "twice" as const) },
  );
  /** Some characters percent-encoded, some not, some twice. */
  const segment = fc
    .tuple(identifier, fc.infiniteStream(way))
    .map(([text, stream]) =>
      Array.from(text, (character) => ways[stream.next().value as keyof typeof ways](character)).join(""),
    );
  const resource = fc.constantFrom(...RESOURCES);

  it("that is accepted identifies exactly one object, and its canonical form is stable", () => {
    let met = 0;
    fc.assert(
      fc.property(resource, segment, fc.boolean(), (name, encoded, reads) => {
        const method = reads ? "GET" : "POST";
        const operation = accepted(method, `/${name}/${encoded}${reads ? "" : `?req=${REQ[name]}`}`);
        if (!operation) return;
        met++;
        expect(operation.identifier).toBe(decodeURIComponent(encoded));
        expect(IDENTIFIERS[CATALOG[name].identifier].is(operation.identifier!)).toBe(true);
        expectHarmless(operation);
        expect(writeTarget(readTarget(method, writeTarget(operation)))).toBe(writeTarget(operation));
      }),
      { numRuns: 4000 },
    );
    expect(met).toBeGreaterThan(200);
  });

  it("is read or refused without any other error", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("GET", "POST", "PUT"),
        fc.oneof(
          fc.string(),
          fc.webUrl({ withQueryParameters: true, withFragments: true }),
          fc.string({ unit: "binary" }),
        ),
        (method, target) => {
          const operation = accepted(method, target);
          if (operation?.identifier !== undefined) expectHarmless(operation);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
