/**
 * The least that a conformance run is content with: an OCS of a few lines, with a gateway's headers and policy around
 * it when asked for.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { answersIn, stateAfter, type GroupState } from "../../src/cli/conformance/group-life.ts";
import { readTarget, splitTarget, type Operation } from "../../src/ocs/target.ts";
import { Violation } from "../../src/ocs/violation.ts";

export type FakeReply = { status: number; headers: Record<string, string>; body: string };
export type FakeRequest = {
  method: string;
  target: string;
  client: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
};
export type Answering = (request: FakeRequest) => FakeReply;

const reply = (status: number, warning?: number, body = "", headers: Record<string, string> = {}): FakeReply => ({
  status,
  headers: { Server: "OCS/8.1.524.03", ...(warning !== undefined && { Warning: `${warning}` }), ...headers },
  body,
});
const json = (value: object): FakeReply =>
  reply(200, undefined, JSON.stringify(value), { "Content-type": "application/json", Etag: "1569882947" });

const STATUS: Record<GroupState, number> = { unloaded: 0, unloading: 2, loaded: 4, running: 5 };

/** Knows handles 15 and 17 up, group 106, and `Alpha List`. */
export const fakeOcs = (
  world: { group: GroupState; gone: Set<string> } = { group: "running", gone: new Set(["16"]) },
): Answering => {
  const status = (): object => ({
    GSW_CM_AttrCampaignID: 139,
    GSW_CM_AttrGroupID: 234,
    GSW_CM_AttrGroupCampStatus: STATUS[world.group],
  });
  const onGroup = ({ action, identifier }: Operation): FakeReply => {
    if (identifier === undefined)
      return json({
        GSW_CM_MessageType: 46,
        CampaignGroups: { "Alpha Campaign@Alpha Agents": status() },
        GSW_CM_AttrOriginAppID: 398,
      });
    if (!["106", "115"].includes(identifier)) return reply(404, 9);
    if (action.method === "GET") return json({ GSW_CM_MessageType: 24, ...status(), GSW_CM_AttrOriginAppID: 398 });
    const [answer] = answersIn(world.group, action.name);
    world.group = stateAfter(world.group, action.name, answer!.status);
    return reply(answer!.status, answer!.warning);
  };
  const onRecord = ({ action, identifier = "" }: Operation): FakeReply => {
    if (world.gone.has(identifier))
      return reply(410, 112, "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>", {
        "Content-type": "text/html",
      });
    if (action.finalizes) world.gone.add(identifier);
    return reply(200);
  };
  return ({ method, target }) => {
    try {
      const operation = readTarget(method, target);
      if (operation.action.resource === "campaigngroups") return onGroup(operation);
      if (operation.action.resource === "records") return onRecord(operation);
      return operation.identifier === "No Such List" ? reply(404, 9010) : reply(200);
    } catch (error) {
      if (error instanceof Violation) return reply(400, 9001);
      throw error;
    }
  };
};

export const GATEWAY_HEADERS = {
  "Ocsgw-Request-Id": "01JABCDEFGHJKMNPQRSTVWXYZ0",
  "Ocsgw-Delivery": "answered",
  "Ocsgw-Origin": "ocs",
  "Server-Timing": "ocs;dur=1",
};

const refusal = (status: number, code: string): FakeReply => ({
  status,
  headers: {
    ...GATEWAY_HEADERS,
    "Ocsgw-Origin": "gateway",
    "Ocsgw-Delivery": "not-sent",
    "Ocsgw-Code": code,
    "Content-type": "text/html; charset=utf-8",
  },
  body: `<HTML><body>${status} : ${code}</body></HTML>`,
});

/** `codeFor` says with which code a client is refused, if it is. */
export const fakeGateway =
  (ocs: Answering, codeFor: (request: FakeRequest) => string | undefined): Answering =>
  (request) => {
    const code = codeFor(request);
    if (code !== undefined) return refusal(code === "OCSGW-2106" ? 410 : 403, code);
    const answer = ocs(request);
    return { ...answer, headers: { ...GATEWAY_HEADERS, ...answer.headers } };
  };

export type Fake = {
  readonly url: string;
  readonly requests: readonly FakeRequest[];
  readonly connections: () => number;
  readonly close: () => Promise<void>;
};

/** No reply ends the connection. */
export const listen = async (answering: (request: FakeRequest) => FakeReply | undefined): Promise<Fake> => {
  const requests: FakeRequest[] = [];
  let connections = 0;
  const server = createServer((arrived, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of arrived) body += String(chunk);
      const { path, query } = splitTarget(arrived.url!)!;
      const [client] = Buffer.from(arrived.headers.authorization?.replace("Basic ", "") ?? "", "base64")
        .toString()
        .split(":");
      const request = {
        method: arrived.method!,
        target: query === undefined ? path : `${path}?${query}`,
        client: client || undefined,
        headers: arrived.headers,
        body,
      };
      requests.push({ ...request, target: arrived.url! });
      const answer = answering(request);
      if (!answer) {
        arrived.socket.destroy();
        return;
      }
      response.sendDate = false;
      response
        .writeHead(answer.status, { "Content-length": Buffer.byteLength(answer.body), ...answer.headers })
        .end(answer.body);
    })();
  });
  server.keepAliveTimeout = 0;
  server.on("connection", () => {
    connections++;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};
