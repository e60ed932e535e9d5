/**
 * What is fuzzed, with what must hold of every input: text of a target, a head, JSON, and a body by every action's
 * rule.
 */
import { guard } from "../../src/edge/request-guard.ts";
import { carriesScope } from "../../src/ocs/attributes.ts";
import { readBody, writeBody, type Attributes } from "../../src/ocs/body.ts";
import { ACTIONS } from "../../src/ocs/catalog.ts";
import { EXAMPLES } from "../../src/ocs/examples.ts";
import { scanJson, type JsonValue } from "../../src/ocs/json.ts";
import { JsonFault } from "../../src/ocs/json-fault.ts";
import { readTarget, writeTarget } from "../../src/ocs/target.ts";
import { Violation } from "../../src/ocs/violation.ts";
import type { HeaderLine } from "../../src/common/message.ts";
import { corpus } from "../ocs/corpus.ts";

export type Target = {
  readonly name: string;
  /** Throws when something does not hold. */
  readonly hold: (input: Uint8Array) => void;
  readonly seeds: () => readonly Uint8Array[];
  /** Pieces that chance would not find. */
  readonly words: readonly string[];
};

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const textOf = (input: Uint8Array): string => Buffer.from(input).toString("latin1");

const require = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/** Undefined where the language says no; any other error is a defect. */
const orRefused = <Value>(read: () => Value, no: abstract new (...args: never[]) => Error): Value | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof no) return undefined;
    throw error;
  }
};

const shared = (
  folder: string,
  read: (from: ReturnType<typeof corpus>) => readonly Uint8Array[],
): readonly Uint8Array[] => {
  const from = corpus(folder);
  return from.absent ? [] : read(from);
};
const rawOf = (line: string): Uint8Array =>
  Buffer.from(([(JSON.parse(line) as { raw_b64: string | string[] }).raw_b64].flat() as string[]).join(""), "base64");

const HARMFUL = /[/\\%?#\p{C}\p{Zl}\p{Zp}]/u;
const WRITTEN = /^\/[a-z_]+(?:\/[A-Za-z0-9\-_.!~*'()%+:@]+)?(?:\?req=[A-Za-z]+)?$/;

/** What is read is written in the one spelling, and read again as the same. */
const target: Target = {
  name: "target",
  hold: (input) => {
    for (const method of ["POST", "GET"]) {
      const operation = orRefused(() => readTarget(method, textOf(input)), Violation);
      if (!operation) continue;
      const written = writeTarget(operation);
      require(WRITTEN.test(written), `written as ${written}`);
      require(operation.identifier === undefined ||
        !HARMFUL.test(operation.identifier), `the identifier ${JSON.stringify(operation.identifier)}`);
      const again = readTarget(method, written);
      require(again.action === operation.action &&
        again.identifier === operation.identifier &&
        writeTarget(again) === written, `${written} is read as another`);
    }
  },
  seeds: () => [
    ...Object.values(EXAMPLES).map(({ request }) => latin1(request.target)),
    ...[
      "/lists/%C3%84rzte?req=AddRecord",
      "/customer_ids/a.b@c:d-e?req=DoNotCall",
      "/campaigngroups",
      "/campaigngroups/106",
      "/phones/+14155550100?req=DoNotCall",
    ].map(latin1),
    ...shared("llhttp", (from) => from.lines("urls.jsonl").map(rawOf)),
    ...shared("path-payloads", (from) =>
      from.lines("directory_traversal.txt").map((line) => latin1(`/lists/${line}?req=AddRecord`)),
    ),
  ],
  words: [
    "/records/",
    "/phones/",
    "/customer_ids/",
    "/lists/",
    "/campaigngroups",
    "?req=",
    "%2f",
    "%00",
    "%25",
    "..",
    "http://",
    "https://ocs:8080",
    "&req=",
    "%C3%84",
    "%F0%9F%98%80",
    "%ED%A0%80",
    "+",
    ";",
    "#",
    "\\",
  ],
};

const OURS = new Set(["localhost", "localhost:8443", "gw.example"]);
const MAX_BODY = 65_536;
const lineOf = (text: string): HeaderLine => {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1).trim()];
};

/**
 * Never throws; and whatever it lets pass is one unambiguous request, by rules that are written down here a second
 * time.
 */
const head: Target = {
  name: "guard",
  hold: (input) => {
    const [line = "", ...lines] = textOf(input).split("\r\n");
    const [method = "", requested = "", version = ""] = line.split(" ");
    const headers = lines.filter((each) => each !== "").map(lineOf);
    const fault = guard(
      { method, target: requested, version: version.replace("HTTP/", ""), headers },
      { maxBody: MAX_BODY, isOurs: (authority) => OURS.has(authority.toLowerCase()) },
    );
    if (fault)
      return require(fault.detail !== "" &&
        !/[^\x20-\x7e]/.test(fault.detail), `the detail ${JSON.stringify(fault.detail)}`);
    const all = (name: string): string[] =>
      headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
    const [hosts, lengths, codings] = ["host", "content-length", "transfer-encoding"].map(all) as [
      string[],
      string[],
      string[],
    ];
    require(version === "HTTP/1.1" && requested.length <= 2048 && headers.length <= 64, "version or size");
    require(headers.every(
      ([name, value]) => /^[A-Za-z0-9-]+$/.test(name) && !/[^\t\x20-\x7e]/.test(value),
    ), "a character");
    require(hosts.length === 1 && OURS.has(hosts[0]!.toLowerCase()), "the Host");
    require(lengths.length + codings.length <= 1, "two lengths");
    require(lengths.every((length) => String(Number(length)) === length && Number(length) <= MAX_BODY), "the length");
    require(codings.every((coding) => coding.toLowerCase() === "chunked"), "the coding");
    require(method !== "GET" || (codings.length === 0 && Number(lengths[0] ?? 0) === 0), "a GET with a body");
    require(["authorization", "x-api-key", "content-type", "ocsgw-tenant"].every(
      (name) => all(name).length <= 1,
    ), "a header twice");
  },
  seeds: () => [
    latin1(
      "POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " +
        "YTpi\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n",
    ),
    latin1("GET http://gw.example/campaigngroups HTTP/1.1\r\nHost: gw.example\r\nAccept: */*\r\n\r\n"),
    latin1("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"),
    ...shared("http-garden", (from) => from.lines("payloads.jsonl").map(rawOf)),
    ...shared("llhttp", (from) => from.lines("requests.jsonl").map(rawOf)),
  ],
  words: [
    "\r\n",
    "Host: localhost",
    "Content-Length: ",
    "Transfer-Encoding: chunked",
    "HTTP/1.1",
    "HTTP/1.0",
    "Authorization: Basic YTpi",
    "Upgrade: h2c",
    "Expect: 100-continue",
    "GET ",
    "POST ",
    "0",
    "00",
    "+",
    "http://localhost",
    "\t",
    "65536",
    "65537",
  ],
};

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** As JSON.parse would have it: the last of equal keys, integers rounded. */
const asParsed = (value: JsonValue): unknown => {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (value.kind === "fraction") return value.value;
  if (value.kind === "array") return value.items.map(asParsed);
  return Object.fromEntries(value.members.map(({ key, value: member }) => [key, asParsed(member)]));
};

/** Accepts nothing that JSON.parse refuses, and reads the same. */
const json: Target = {
  name: "json",
  hold: (input) => {
    const value = orRefused(() => scanJson(input), JsonFault);
    if (value === undefined) return;
    const parsed = JSON.parse(strict.decode(input)) as unknown;
    require(JSON.stringify(asParsed(value)) === JSON.stringify(parsed), `read as ${JSON.stringify(asParsed(value))}`);
  },
  seeds: () => [
    ...['{"GSW_PHONE":"4155550100","N":[1,-2.5e3,true,null,{"a":{}}]}', '"\\ud83d\\ude00"', "[9007199254740993]"].map(
      latin1,
    ),
    ...shared("json-testsuite", (from) =>
      from
        .files("test_parsing")
        .map((file) => from.bytes(`test_parsing/${file}`))
        .filter(({ length }) => length < 500),
    ),
  ],
  words: [
    '"',
    "\\u",
    "\\ud800",
    "\\udc00",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "true",
    "false",
    "null",
    "1e",
    "-",
    "0",
    ".5",
    "9007199254740993",
    "\u00ef\u00bb\u00bf",
    '"__proto__":',
    "\\u0000",
    " ",
    "\n",
  ],
};

/** What is read by an action's rule is written, read again as the same, and names scope once. */
const body: Target = {
  name: "body",
  hold: (input) => {
    for (const action of ACTIONS) {
      const attributes = orRefused(() => readBody(action, input), Violation);
      if (!attributes) continue;
      const written = writeBody(attributes);
      const again = readBody(action, Buffer.from(written));
      require(writeBody(again) === written, `${written} is read as another`);
      const scope = namesIn(attributes)
        .filter(carriesScope)
        .map((name) => name.toLowerCase());
      require(new Set(scope).size === scope.length, `scope twice in ${written}`);
      require(written === "" || JSON.stringify(JSON.parse(written)) !== undefined, "what is written is no JSON");
    }
  },
  seeds: () => [
    ...Object.values(EXAMPLES)
      .map(({ request }) => latin1(request.body))
      .filter(({ length }) => length > 0),
    ...[
      '{"GSW_CM_AttrDialMode":"3","GSW_CM_AttrOptimizeBy":1,"GSW_CM_AttrOptimizeGoal":80,' +
        '"GSW_CM_AttrProperties":{"GSW_AUTO_COMPLETION":1,"camp_group_data":{}}}',
      '{"NOTE":10000000000000000999,"GSW_CALL_RESULT":33}',
    ].map(latin1),
  ],
  words: [
    '"GSW_TENANT_DBID":',
    '"GSW_TENANT_NAME":',
    '"GSW_PHONE":',
    '"gsw_phone":',
    '"GSW_CAMPAIGN":',
    '"GSW_CAMPAIGN_NAME":',
    '"GSW\\u005fPHONE":',
    '"4155550100"',
    '"NOTE":',
    "101",
    ",",
    "{",
    "}",
    '"GSW_CM_AttrProperties":{',
    '"GSW_AUTO_COMPLETION":',
    '"GSW_DATE_TIME":"10/23/2029 08:15"',
    '"GSW_PHONE_TYPE":1',
    '"GSW_TZ_NAME":"PST"',
    "\\u0000",
    "\u00c2\u009b",
  ],
};

const namesIn = (attributes: Attributes): string[] =>
  [...attributes].flatMap(([name, value]) => [name, ...(value instanceof Map ? namesIn(value as Attributes) : [])]);

export const TARGETS: readonly Target[] = [target, head, json, body];
