/** Every request and answer of a conformance run is as `/openapi/clients.json` says, on OCS and on the gateway. */
import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, it } from "vitest";
import { connect, type Question } from "../../../src/cli/conformance/connection.ts";
import { createControl } from "../../../src/cli/conformance/control.ts";
import { rows } from "../../../src/cli/conformance/rows.ts";
import { run } from "../../../src/cli/conformance/run.ts";
import { headerOf } from "../../../src/common/message.ts";
import { ACTIONS, CATALOG } from "../../../src/ocs/catalog.ts";
import { caseOf } from "../../../src/ocs/examples.ts";
import { startSandboxOcs } from "../../../src/sandbox/start.ts";
import { createChecker, documentBy, type Exchange } from "../../kit/clients-api.ts";
import { startSandbox } from "../../kit/command.ts";

const document = documentBy("resource");
const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** The run's exchanges, as they were on the wire. */
const record = async (
  url: string,
  control: string,
  clients: readonly { readonly name: string; readonly authorization: string }[] = [],
  ca?: string,
): Promise<Exchange[]> => {
  const connection = connect(new URL(url), ca);
  const exchanges: Exchange[] = [];
  const ask = async (question: Question) => {
    const answer = await connection.ask(question);
    exchanges.push({ method: question.method, target: question.target, body: question.body, answer });
    return answer;
  };
  const { openHandle } = createControl(control);
  const results = await run({ connection: { ...connection, ask }, origin: url, clients, openHandle }, rows());
  connection.close();
  expect(results.filter(({ verdict }) => verdict === "FAIL")).toEqual([]);
  return exchanges;
};

/** The run asks for an action of another resource on purpose. */
const isAsked = ({ target }: Exchange): boolean => !target.includes("/records/15?req=Load");

const faultsOf = (of: "ocs" | "gateway", exchanges: readonly Exchange[]): string[] => {
  const { requestFaults, answerFaults } = createChecker(document, of);
  return exchanges.flatMap((exchange) =>
    [...requestFaults(exchange), ...answerFaults(exchange)].map(
      (fault) => `${exchange.method} ${exchange.target} ${exchange.answer.status}: ${fault}`,
    ),
  );
};

const actionsIn = (exchanges: readonly Exchange[]): Set<string> =>
  new Set(
    exchanges.map(({ method, target }) =>
      method === "GET" ? "campaigngroups ReadStatus" : target.replace(/^.*?\/(\w+)\/.*req=(\w+)$/, "$1 $2"),
    ),
  );
const ALL = new Set(ACTIONS.map(({ resource, name }) => `${resource} ${name}`));

describe("a whole conformance run", () => {
  it("is as the document says on the embedded OCS", async () => {
    const ocs = await startSandboxOcs();
    stops.push(() => ocs.close());
    const exchanges = await record(ocs.primary.http, ocs.control);
    expect(exchanges.length).toBeGreaterThan(rows().length - 1);
    expect(ALL.difference(actionsIn(exchanges))).toEqual(new Set());
    expect(faultsOf("ocs", exchanges.filter(isAsked))).toEqual([]);
  });

  it("is as the document says through the gateway over TLS, with what the gateway refuses", async () => {
    const sandbox = await startSandbox();
    stops.push(async () => {
      await sandbox.stop();
      await sandbox.remove();
    });
    const { ready } = sandbox;
    const clients = ready.tenants
      .flatMap((tenant) => tenant.clients)
      .map(({ client, key }) => ({
        name: client,
        authorization: `Basic ${Buffer.from(`${client}:${key}`).toString("base64")}`,
      }));
    const ca = await readFile(ready.ca, "utf8");
    const exchanges = await record(ready.gateway!.https, ready.sandbox.url, clients, ca);
    expect(exchanges.length).toBeGreaterThan(rows().length);
    expect(ALL.difference(actionsIn(exchanges))).toEqual(new Set());
    expect(faultsOf("gateway", exchanges.filter(isAsked))).toEqual([]);
    const codes = new Set(exchanges.map(({ answer }) => headerOf(answer.headers, "Ocsgw-Code")));
    expect(codes).toContain("OCSGW-2101");

    const refused = await refusals(ready.gateway!.https, ca, clients[0]!.authorization);
    expect(refused.map(({ answer }) => headerOf(answer.headers, "Ocsgw-Code"))).not.toContain(undefined);
    const { answerFaults } = createChecker(document, "gateway");
    expect(
      refused.flatMap((exchange) => answerFaults(exchange).map((fault) => `${exchange.target}: ${fault}`)),
    ).toEqual([]);
  });
});

/** Refused requests for several actions, in both forms of an error. */
const refusals = async (url: string, ca: string, authorization: string): Promise<Exchange[]> => {
  const connection = connect(new URL(url), ca);
  const { target } = caseOf(CATALOG.phones.actions.DoNotCall!);
  const asked: readonly (readonly [string, string, Readonly<Record<string, string>>, string])[] = [
    ["POST", target, { Authorization: authorization, "Content-Type": "application/json" }, '{"GSW_TENANT_DBID":102}'],
    ["POST", target, { Authorization: authorization, "Content-Type": "application/json" }, '{"GSW_CHAIN_ATTR":"x"}'],
    ["POST", target, { Authorization: authorization, "Content-Type": "application/json" }, "{"],
    ["POST", target, { Authorization: authorization, "Content-Type": "text/xml" }, "<a/>"],
    ["POST", target, { Authorization: "Basic bm9ib2R5Om5v" }, ""],
    ["POST", target, {}, ""],
    ["GET", "/campaigngroups/208", { Authorization: authorization }, ""],
    ["POST", "/records/999999?req=RecordReject", { Authorization: authorization }, ""],
  ];
  const exchanges: Exchange[] = [];
  for (const [method, path, headers, body] of asked) {
    for (const accept of [[], [["Accept", "application/problem+json"] as const]]) {
      const length = method === "GET" ? [] : [["Content-Length", `${Buffer.byteLength(body)}`] as const];
      const lines = [...Object.entries(headers), ...length, ...accept];
      exchanges.push({
        method,
        target: path,
        body,
        answer: await connection.ask({ method, target: path, headers: lines, body }),
      });
    }
  }
  connection.close();
  return exchanges;
};
