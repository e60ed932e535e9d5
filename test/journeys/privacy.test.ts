import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ACTIONS, type Action } from "../../src/ocs/catalog.ts";
import { announce, record } from "../kit/announcing.ts";
import { ocsgw, ocsgwWith, run, type Ran } from "../kit/command.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { aConfigured, basic, keyFor, twoTenants } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { OK, rawOcs, type RawOcs, type Script } from "../kit/raw-ocs.ts";

const PHONE = "7268839274";
const CUSTOMER = "CNRY-CUSTOMER-55817";
const FIELD = "cnry-field-value-40417";
const TOKEN = "cnry.bearer.token-99120";
/** As people write it where no number belongs. */
const SPELLINGS = [
  "726-883-9274",
  "726_883_9274",
  "726,883,9274",
  "726:883:9274",
  "726/883/9274",
  "7-2-6-8-8-3-9-2-7-4",
  "７２６８８３９２７４",
];
/** In any spelling: none of it may be anywhere. */
const CANARIES = [
  PHONE,
  ...SPELLINGS,
  "8839274",
  CUSTOMER,
  "CUSTOMER-55817",
  FIELD,
  "field-value-40417",
  TOKEN,
  keyFor("alpha"),
  Buffer.from(`alpha:${keyFor("alpha")}`).toString("base64"),
].flatMap((text) => [
  text,
  Buffer.from(text).toString("base64").replace(/=+$/, "").slice(0, -1),
  Buffer.from(text).toString("hex"),
]);

let dir: string;
let ocs: RawOcs;
let gateway: GatewayProcess;
let log = "";
/** Bodies and headers of what the gateway itself said, and all that commands printed. */
const said: string[] = [];
const config = (): string => join(dir, "ocsgw.yaml");

/** A request as text. `length` may be wrong on purpose. */
const requestOf = (
  target: string,
  body: string,
  { method = "POST", headers = [] as string[], authorization = basic("alpha"), length = Buffer.byteLength(body) } = {},
): string =>
  `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\nContent-Type: ` +
  `application/json\r\nAccept: application/problem+json\r\nConnection: ` +
  `close\r\n${headers.map((line) => `${line}\r\n`).join("")}Content-Length: ${length}\r\n\r\n${body}`;

const send = async (text: string, hangUpAfter?: number): Promise<void> => {
  const client = await rawClient(gateway.port);
  await client.send(text);
  if (hangUpAfter !== undefined) await new Promise((resolve) => setTimeout(resolve, hangUpAfter));
  else {
    const reply = await client.ended();
    // OCS's own answers pass as they are; what the gateway says is held against the canaries.
    if (/Ocsgw-Origin: gateway/i.test(reply) || !/Ocsgw-Origin/i.test(reply)) said.push(reply);
  }
  client.close();
};

const bodyFor = ({ resource, userFields, name }: Action): Record<string, unknown> => ({
  ...(name === "AddRecord" && { GSW_TZ_NAME: "PST", GSW_PHONE: PHONE, GSW_CUSTOMER_ID: CUSTOMER }),
  ...(name === "DoNotCall" && resource === "records" && { GSW_PHONE: PHONE, GSW_CUSTOMER_ID: CUSTOMER }),
  ...(name === "RecordReschedule" && { GSW_DATE_TIME: "12/24/2026 10:00" }),
  ...(resource === "lists" && { GSW_CAMPAIGN_NAME: "Alpha Campaign" }),
  ...(/StartDialing|SetDialingMode|Launch/.test(name) && { GSW_CM_AttrDialMode: 4 }),
  ...(userFields && {
    CUSTOMER_CODE: FIELD,
    SOMETHING_ELSE: FIELD,
    A_NUMBER: Number(PHONE),
    NESTED: { DEEPER: FIELD },
  }),
});

const IDENTIFIERS = {
  records: "15",
  phones: PHONE,
  customer_ids: CUSTOMER,
  lists: "Alpha%20List",
  campaigngroups: "106",
} as const;
const targetFor = ({ resource, name, method }: Action): string =>
  `/${resource}/${IDENTIFIERS[resource]}${method === "GET" ? "" : `?req=${name}`}`;

const DNC = `/phones/${PHONE}?req=DoNotCall`;
const long = FIELD.repeat(4000);
const ODD: readonly string[] = [
  ...ACTIONS.filter(({ method }) => method === "POST").map((action) =>
    requestOf(targetFor(action), JSON.stringify(bodyFor(action))),
  ),
  requestOf(targetFor(ACTIONS.find(({ method }) => method === "GET")!), "", { method: "GET" }),
  requestOf(`/phones/%2B1${PHONE}?req=DoNotCall`, "{}"),
  requestOf(`http://127.0.0.1${DNC}`, "{}"),
  requestOf(`http://other.example${DNC}`, "{}"),
  requestOf(`/phones/${PHONE}/more?req=DoNotCall`, "{}"),
  requestOf(`/${PHONE}?req=DoNotCall`, "{}"),
  requestOf(`/phones/${PHONE}?req=${PHONE}`, "{}"),
  requestOf(`/phones/${PHONE}`, "{}"),
  requestOf(`${DNC}&x=${PHONE}`, "{}"),
  requestOf(`/records/${PHONE}?req=RecordReject`, "{}"),
  requestOf(`/lists/${PHONE}?req=AddRecord`, "{}"),
  requestOf(`/lists/tel:${PHONE}?req=AddRecord`, "{}"),
  requestOf(`/lists/Mr%20${PHONE}%20(home)?req=AddRecord`, "{}"),
  requestOf(`/campaigngroups/${PHONE}?req=Load`, "{}"),
  requestOf(`/customer_ids/${CUSTOMER}%00?req=DoNotCall`, "{}"),
  requestOf(DNC, `{"GSW_TENANT_NAME":"${PHONE}"}`),
  requestOf(DNC, `{"GSW_TENANT_DBID":"${PHONE}"}`),
  requestOf(DNC, `{"GSW_PHONE":"${PHONE}0"}`),
  requestOf(DNC, `{"GSW_${PHONE}":1}`),
  requestOf(DNC, `{"A":{"${FIELD}":[1,2]}}`),
  requestOf(DNC, `{"GSW_CAMPAIGN_NAME":"${FIELD}"}`),
  requestOf(DNC, `{"GSW_CALLING_LIST":"${PHONE}"}`),
  requestOf(DNC, `{"A":"${FIELD}"`),
  requestOf(DNC, `{"A":"${FIELD}",}`),
  requestOf(DNC, `"${PHONE}"`),
  requestOf(DNC, `${PHONE}`),
  requestOf(DNC, `{"A":1,"A":"${FIELD}"}`),
  requestOf(DNC, `{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":"${PHONE}"}`),
  requestOf(DNC, `{"GSW_CHAIN_ATTR":"${FIELD}"}`),
  requestOf("/records/15?req=AddRecord", `{"GSW_PHONE":"x${PHONE}","GSW_TZ_NAME":"${FIELD}"}`),
  requestOf("/records/15?req=RecordReschedule", `{"GSW_DATE_TIME":"${PHONE}"}`),
  requestOf(DNC, "{}", { method: PHONE }),
  requestOf(DNC, "{}", { headers: [`X-Note: ${PHONE}`, `Ocsgw-Tenant: ${FIELD}`] }),
  requestOf(DNC, "{}", { authorization: `Bearer ${TOKEN}` }),
  requestOf(DNC, "{}", { authorization: `Basic ${Buffer.from(`alpha:${TOKEN}`).toString("base64")}` }),
  requestOf(DNC, "{}", { authorization: TOKEN }),
  requestOf(DNC, `{"A":"${long}"}`),
  requestOf(DNC, `{"A":"${FIELD}"}`, { length: 5 }),
  requestOf(DNC, `{"A":"${FIELD}"}`, { headers: ["Transfer-Encoding: chunked"] }),
  ...SPELLINGS.filter((text) => !text.includes("/")).map((text) =>
    requestOf(`/lists/${encodeURIComponent(text)}?req=AddRecord`, "{}"),
  ),
  ...SPELLINGS.flatMap((text) => [
    requestOf(
      "/lists/Alpha%20List?req=AddRecord",
      JSON.stringify({
        GSW_CAMPAIGN_NAME: "Alpha Campaign",
        GSW_PHONE: PHONE,
        GSW_TZ_NAME: text,
        GSW_AGENT_ID: text.slice(0, 32),
      }),
    ),
    requestOf("/records/15?req=RecordProcessed", JSON.stringify({ GSW_AGENT_ID: text })),
    requestOf(
      "/lists/Alpha%20List?req=AddRecord",
      JSON.stringify({
        GSW_CAMPAIGN_NAME: "Alpha Campaign",
        GSW_PHONE: PHONE,
        [text]: 1,
        A: { [text]: { [text]: [] } },
      }),
    ),
    requestOf(DNC, JSON.stringify({ [text]: { [text]: 1 } })),
    requestOf(DNC, `{"${text}":1,"${text}":2}`),
    requestOf("/campaigngroups/106?req=Load", JSON.stringify({ [text]: 1 })),
  ]),
  `${PHONE} ${CUSTOMER}\r\n\r\n`,
  `POST ${DNC} HTTP/1.1\r\nHost: 127.0.0.1\r\n${PHONE}\r\n\r\n`,
  `POST /phones/${PHONE.repeat(2000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
];

/** What OCS does to a Do-Not-Call with these, in turn. */
const FAULTS: readonly Script[] = [
  () => `HTTP/1.1 410 Gone\r\nWarning: 112 - "no record for ${PHONE}"\r\nContent-length: 0\r\n\r\n`,
  ...SPELLINGS.slice(0, 6).map(
    (text): Script =>
      () =>
        `HTTP/1.1 410 Gone\r\nWarning: 112 OCS "no record for ${text}"\r\nContent-length: 0\r\n\r\n`,
  ),
  () =>
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-length: ` +
    `${60 + PHONE.length}\r\n\r\n${`no such number ${PHONE}`.padEnd(60 + PHONE.length)}`,
  () => `HTTP/1.1 200 OK\r\nContent-length: 0\r\n\r\n${PHONE} ${FIELD}`,
  () => `${PHONE} is not HTTP\r\n\r\n`,
  ({ connection }) => void connection.socket.destroy(),
  ({ connection }) =>
    void connection.socket.write(`HTTP/1.1 200 OK\r\nX-${PHONE}: `, () => connection.socket.destroy()),
  () => undefined,
];

const look = async (...args: readonly string[]): Promise<Ran> => {
  const ran = await ocsgwWith(
    `${args.includes("--customer-stdin") ? CUSTOMER : `+1 ${PHONE}`}\n`,
    ...args,
    "-c",
    config(),
  );
  said.push(ran.stdout, ran.stderr);
  return ran;
};

const collectFromAdmin = async (path: string): Promise<void> => {
  const url = (await readFile(join(dir, "audit/admin.url"), "utf8")).trim();
  const token = (await readFile(join(dir, "audit/admin.token"), "utf8")).trim();
  const reply = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
  said.push(path.startsWith("/api/audit/search") ? await reply.text() : `${reply.status} ${await reply.text()}`);
};

const start = async (): Promise<void> => {
  gateway = await startGateway(config(), { env: { OCSGW_LOG: "trace" } });
};

beforeAll(async () => {
  ocs = await rawOcs();
  const base = twoTenants(ocs.url);
  Object.assign(base.upstreams["ocs"] as object, {
    timeouts: { answer: "400ms", connect: "1s" },
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
  });
  Object.assign(base["audit"] as object, {
    redact: { phone: "last4", customer_id: "token", fields: { CUSTOMER_CODE: "token" }, others: "drop" },
  });
  dir = await aConfigured({ ...base, admin: { bind: "127.0.0.1:0" } }, ["alpha", "beta"]);
  await start();
}, 60_000);
afterAll(async () => {
  await gateway.end("SIGTERM");
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe("a person's data", { timeout: 120_000 }, () => {
  it("goes through every action, refusal and fault, look-ups, exports and a crash", async () => {
    for (const text of ODD) await send(text);
    for (const script of FAULTS) {
      ocs.script = script;
      await send(requestOf(DNC, JSON.stringify({ CUSTOMER_CODE: FIELD })));
    }
    ocs.script = () => undefined;
    await send(requestOf(DNC, "{}"), 100);
    ocs.script = () => OK;
    const callbacks = /"upstream":"ocs"[^}]*"address":"(http:[^"]+)"|"address":"(http:[^"]+)"[^}]*callbacks/.exec(
      gateway.log(),
    );
    const url =
      callbacks?.[1] ??
      callbacks?.[2] ??
      [...gateway.log().matchAll(/"address":"(http:\/\/[^"]+)"/g)]
        .map(([, address]) => address!)
        .find((address) => !address.endsWith(`:${gateway.port}`))!;
    await announce(url, record(15, { GSW_PHONE: PHONE, GSW_CUSTOMER_ID: CUSTOMER, OTHER: FIELD })).catch(
      () => undefined,
    );
    await announce(url, { GSW_PHONE: PHONE, [FIELD]: PHONE }).catch(() => undefined);
    // Two at once, and the process dies with both.
    ocs.script = () => undefined;
    const before = ocs.requests();
    const dying = [
      send(requestOf(DNC, JSON.stringify({ CUSTOMER_CODE: FIELD }))),
      send(requestOf(`/customer_ids/${CUSTOMER}?req=DoNotCall`, "{}")),
    ];
    await vi.waitFor(() => expect(ocs.requests()).toBeGreaterThanOrEqual(before + 2), { timeout: 20_000, interval: 5 });
    await gateway.end("SIGKILL");
    await Promise.allSettled(dying);
    log += gateway.log();
    ocs.script = () => OK;
    await start();
    expect((await look("audit", "search", "--phone-stdin", "--purpose", "canary", "--json")).code).toBe(8);
    expect((await look("audit", "search", "--customer-stdin")).code).toBe(8);
    expect((await look("audit", "export", "--phone-stdin", "--as", "bundle", "--out", join(dir, "bundle"))).code).toBe(
      8,
    );
    expect((await look("audit", "export", "--as", "csv", "--out", join(dir, "all.csv"))).code).toBe(0);
    for (const filter of [PHONE, `phone:${PHONE}`, `customer:${CUSTOMER}`, `client:${PHONE}`])
      expect((await look("audit", "search", filter)).code).toBe(2);
    expect((await look("audit", "search", "--phone-stdin", "--purpose", `call ${PHONE}`)).code).toBe(2);
    expect((await look("audit", "dnc")).code).toBe(0);
    for (const path of [
      "/metrics",
      "/api/status",
      "/readyz",
      "/api/dnc/open",
      "/api/audit/search?filter=action:DoNotCall&limit=1000",
      `/api/audit/search?filter=${PHONE}`,
    ])
      await collectFromAdmin(path);
    const { stdout } = await ocsgw("audit", "search", "is:in-doubt", "-c", config(), "--json");
    const [doubted] = (JSON.parse(stdout) as { requests: { id: string }[] }).requests;
    said.push(
      stdout,
      (await ocsgw("explain", doubted!.id, "-c", config())).stdout,
      (await ocsgw("status", "-c", config())).stdout,
    );
    log += gateway.log();
  });

  it("was there: it was sent, and found by its token", () => {
    expect(ocs.bytes()).toContain(PHONE);
    expect(ocs.bytes()).toContain(FIELD);
    expect(said.join("")).toMatch(/"phone":"t1:[0-9a-f]{64}"/);
    expect(said.filter((text) => text.includes("OCSGW-")).length).toBeGreaterThan(30);
    expect(log).toContain('"pid"');
  });

  it("is in no file, no log, no reply of the gateway, no number and no output of a command", async () => {
    const files = (await filesIn(dir)).filter((path) => !path.endsWith("keys.yaml") && !path.endsWith("ocsgw.yaml"));
    expect(files.map((path) => path.slice(dir.length)).join("\n")).toMatch(
      /segments\/000000000000\.jsonl[\s\S]*|index\.sqlite/,
    );
    const written = await Promise.all(
      files.map(async (path) => [path.slice(dir.length), await readFile(path, "latin1")] as const),
    );
    const everything = [
      ...written,
      ["the log", log] as const,
      ...said.map((text, number) => [`output ${number}`, text] as const),
    ];
    const hits = everything.flatMap(([where, text]) =>
      CANARIES.filter((canary) => text.includes(canary)).map(
        (canary) =>
          `${where}: ${canary} in ${text.slice(Math.max(0, text.indexOf(canary) - 120), text.indexOf(canary) + 60)}`,
      ),
    );
    expect(hits).toEqual([]);
  });

  it("is in no word that is written of a defect", async () => {
    const events = new URL("../../src/common/log/events.ts", import.meta.url).href;
    const script =
      `const { events } = await import(${JSON.stringify(events)}); events.internalError({ id: "01K", error: ` +
      `Object.assign(new TypeError("cannot read ${PHONE}"), { cause: new Error("${FIELD}"), input: "${CUSTOMER}" }) ` +
      `}); events.checkpointNotWritten({ error: new Error("${PHONE}") });`;
    const ran = await run(process.execPath, ["--input-type=module", "-e", script], { env: { OCSGW_LOG: "trace" } });
    expect(ran.stderr).toContain("Internal error");
    expect(CANARIES.filter((canary) => (ran.stdout + ran.stderr).includes(canary))).toEqual([]);
  });
});
