/** Every route of a running gateway replies as its row says, with real content; and the check notices what differs. */
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ROUTES } from "../../../src/admin/routes.ts";
import { json, text as plain } from "../../../src/admin/replies.ts";
import { route, type Media } from "../../../src/admin/route.ts";
import type { BodyStream, Reply } from "../../../src/common/message.ts";
import { bytesOf } from "../../../src/common/message.ts";
import { startSandboxOcs } from "../../../src/sandbox/start.ts";
import { checked } from "../../kit/admin-replies.ts";
import { openFlows } from "../../kit/flow-stream.ts";
import { aGateway, basic, twoTenants } from "../../kit/gateway.ts";
import { anArrival } from "../../kit/line.ts";
import { aPerson, PASSWORD, usersFile } from "../../kit/sessions.ts";

type Started = { readonly id: string };

const stops: (() => Promise<unknown> | void)[] = [];
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe("a running gateway", () => {
  it("gives the usual reply of every route as its row says", async () => {
    const ocs = await startSandboxOcs();
    const gateway = await aGateway(
      { ...twoTenants(ocs.primary.http), admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" } } },
      ["alpha", "beta"],
      { "admins.yaml": usersFile(aPerson("alice")) },
    );
    const admin = gateway.gateway.admin!;
    stops.push(gateway.stop);

    const asked = new Set<string>();
    const ask = async (row: string, path = row.split(" ")[1]!, body?: unknown, status = 200) => {
      asked.add(row);
      const reply = await fetch(`${admin}${path}`, {
        method: row.split(" ")[0]!,
        headers: { Authorization: "Bearer token" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await reply.text();
      expect([row, reply.status, text.slice(0, 300)]).toEqual([row, status, expect.anything()]);
      return text;
    };
    const call = async (path: string, as = "alpha", body?: object): Promise<string> => {
      const reply = await fetch(`${gateway.url}${path}`, {
        method: "POST",
        headers: { Authorization: basic(as), ...(body && { "Content-Type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      await reply.text();
      return reply.headers.get("ocsgw-request-id")!;
    };

    const stream = await openFlows(admin, { filter: "" });
    asked.add("GET /api/flows/stream");
    const ok = await call("/phones/4155550177?req=DoNotCall");
    await call("/lists/Alpha%20List?req=AddRecord", "alpha", {
      GSW_PHONE: "4155550101",
      GSW_PHONE_TYPE: 4,
      GSW_CAMPAIGN_NAME: "Alpha Campaign",
    });
    await call("/campaigngroups/208?req=Start");
    await call("/records/16?req=RequestRecordCancel");
    await call("/nowhere");
    await ocs.close();
    const open = await call("/phones/4155550178?req=DoNotCall", "beta");
    await stream.until(({ name }) => name === "flow");
    await stream.until(({ name }) => name === "heartbeat");
    stream.close();

    await ask("GET /healthz");
    await ask("GET /readyz", "/readyz", undefined, 503);
    await ask("GET /metrics");
    await ask("GET /openapi.json");
    await ask("GET /openapi/clients.json");
    await ask("GET /api/status");
    await ask("GET /api/filter");
    await ask("GET /api/retention");
    await ask("POST /api/retention/confirm-clock", undefined, { user: "maria" });
    for (const path of ["/api/flows", "/api/audit/search"]) {
      const page = JSON.parse(await ask(`GET ${path}`, `${path}?limit=1000`)) as { requests: { state?: string }[] };
      expect(new Set(page.requests.map(({ state }) => state))).toEqual(new Set([undefined, "ok", "ocs-no", "refused"]));
    }
    const shown = await Promise.all(
      ["/api/flows", "/api/requests"].map((path) => ask(`GET ${path}/{id}`, `${path}/${ok}`)),
    );
    const [one, other] = shown.map((text) => JSON.parse(text) as { requests: unknown });
    expect(one!.requests).toEqual(other!.requests);
    await ask("GET /api/flows/{id}/proofs", `/api/flows/${ok}/proofs`);
    await ask("POST /api/audit/look-up", undefined, { phone: "4155550177" });
    await ask("POST /api/audit/access", undefined, { user: "rw", operation: "search", sign: true });
    await ask("GET /api/header");
    await ask("GET /api/now");
    await ask("GET /api/tenants");
    await ask("GET /api/tenants/{dbid}", "/api/tenants/101");
    await ask("GET /api/upstreams");
    await ask("GET /api/dnc/open");
    await ask("GET /api/dnc/ledger");
    await ask("POST /api/dnc/{id}/note", `/api/dnc/${open}/note`, { note: "added by hand, ticket 42", user: "maria" });
    const { open: items } = JSON.parse(await ask("GET /api/dnc/open")) as { open: object[] };
    expect(items).toMatchObject([{ id: open, handled: { by: "maria", note: "added by hand, ticket 42" } }]);
    await ask("POST /api/dnc/{id}/note", `/api/dnc/${ok}/note`, { note: "again" }, 404);
    await ask("GET /api/outbox");
    await ask("POST /api/outbox/{id}/close", `/api/outbox/${ok}/close`, { note: "no such alarm" }, 404);
    await ask("GET /api/integrity");
    await ask("GET /api/integrity/checkpoints");
    await ask("GET /api/integrity/days");
    const verification = JSON.parse(await ask("POST /api/audit/verifications", undefined, undefined, 202)) as Started;
    const verifications = "/api/audit/verifications/{id}";
    await ask(`GET ${verifications}/events`, `/api/audit/verifications/${verification.id}/events`);
    await ask(`GET ${verifications}`, `/api/audit/verifications/${verification.id}`);
    await ask("GET /api/audit/verifications");
    await ask(`DELETE ${verifications}`, `/api/audit/verifications/${verification.id}`);
    await ask(`GET ${verifications}`, "/api/audit/verifications/none", undefined, 404);
    await ask("GET /api/access");
    await ask("GET /api/isolation");
    const proofs = "/api/isolation/proofs";
    const proof = JSON.parse(await ask(`POST ${proofs}`, undefined, undefined, 202)) as Started;
    await ask(`GET ${proofs}`);
    await ask(`GET ${proofs}/{id}`, `${proofs}/${proof.id}`);
    await ask(`DELETE ${proofs}/{id}`, `${proofs}/${proof.id}`);
    await ask(`GET ${proofs}/{id}/events`, `${proofs}/${proof.id}/events`);
    await ask(`GET ${proofs}/{id}`, `${proofs}/none`, undefined, 404);
    const exports = "/api/audit/exports";
    const exported = JSON.parse(await ask(`POST ${exports}`, undefined, { format: "bundle" }, 202)) as Started;
    await ask(`GET ${exports}/{id}/events`, `${exports}/${exported.id}/events`);
    await ask(`GET ${exports}/{id}`, `${exports}/${exported.id}`);
    await ask(`GET ${exports}/{id}/file`, `${exports}/${exported.id}/file`);
    await ask(`GET ${exports}`);
    await ask(`DELETE ${exports}/{id}`, `${exports}/${exported.id}`);
    await ask(`GET ${exports}/{id}/file`, `${exports}/${exported.id}/file`, undefined, 404);
    await ask("GET /api/nodes");
    await ask("GET /api/cluster");
    // Without shared there are no others; test/admin/peers asks gateways that share.
    const nodes = "/api/nodes";
    await ask(`GET ${nodes}/flows`, undefined, undefined, 404);
    await ask(`POST ${nodes}/look-up`, undefined, { phone: "4155550177" }, 404);
    await ask(`GET ${nodes}/flows/{id}`, `${nodes}/flows/${ok}`, undefined, 404);
    await ask(`GET ${nodes}/dnc/open`, undefined, undefined, 404);
    await ask(`GET ${nodes}/dnc/ledger`, undefined, undefined, 404);
    await ask(`POST ${nodes}/exports`, undefined, { format: "csv" }, 404);
    await ask(`GET ${nodes}/exports/{id}`, `${nodes}/exports/none`, undefined, 404);
    await ask(`GET ${nodes}/exports/{id}/{node}/file`, `${nodes}/exports/none/gw-b/file`, undefined, 404);
    await ask("GET /api/peers/challenge", `/api/peers/challenge?node=gw-b&nonce=${"n".repeat(22)}`, undefined, 409);
    await ask("GET /api/peers/requests/{id}", `/api/peers/requests/${ok}`, undefined, 403);
    await ask("POST /api/revocations", undefined, { kind: "client", id: "beta" });
    await ask("POST /api/revocations", undefined, { kind: "client" }, 422);
    await ask("GET /api/session");
    await ask("POST /api/session", undefined, { name: "alice", password: PASSWORD });
    await ask("POST /api/session", undefined, { name: "alice", password: "wrong" }, 401);
    const { token } = JSON.parse(await ask("POST /api/session/links", undefined, { user: "rw" })) as { token: string };
    await ask("POST /api/session/link", undefined, { token });
    await ask("POST /api/session/link", undefined, { token }, 401);
    await ask("DELETE /api/session", undefined, undefined, 409);
    await ask("POST /api/session/oidc", undefined, { return: "/" }, 409);
    await ask("GET /login/callback", "/login/callback?state=x&code=x", undefined, 409);
    await ask("POST /api/reload", undefined, { dry_run: true });
    await ask("POST /api/reload");
    await ask("GET /api/config");
    await ask("GET /api/config/history");
    await ask("GET /api/config/check");
    const hash = gateway.gateway.configHash;
    await ask("GET /api/config/differences", `/api/config/differences?from=${hash}&to=${hash}`);
    await ask("GET /api/help");

    expect(ROUTES.map(({ method, path }) => `${method} ${path}`).filter((name) => !asked.has(name))).toEqual([]);
  }, 60_000);
});

describe("the check of replies", () => {
  const events: Media = {
    media: "text/event-stream",
    is: "",
    events: { flow: z.strictObject({ at: z.number() }) },
  };
  const rowWith = (reply: z.ZodType | Media | "nothing") =>
    route({
      method: "GET",
      path: "/x",
      summary: "",
      roles: ["viewer"],
      scope: "by-tenant",
      reply,
      answer: () => json(200, {}),
    });
  const strict = rowWith(z.strictObject({ a: z.strictObject({ b: z.number() }) }));

  const differences = async (row: ReturnType<typeof rowWith>, reply: Reply): Promise<string[]> => {
    const found: string[] = [];
    const handler = checked([row], () => Promise.resolve(reply), { differs: (what) => found.push(what) });
    const { stream } = await handler(anArrival({ method: "GET", target: "/x?y=1" }));
    stream?.({ write: () => Promise.resolve(), end: () => undefined, destroy: () => undefined } satisfies BodyStream);
    return found;
  };
  const streamed = (...pieces: readonly string[]): Reply => ({
    ...plain(200, "text/event-stream", ""),
    stream: (to) => pieces.forEach((piece) => void to.write(bytesOf(piece))),
  });

  it.each<[string, ReturnType<typeof rowWith>, Reply, string?]>([
    ["a reply that fits", strict, json(200, { a: { b: 1 } })],
    ["an undeclared member", strict, json(200, { a: { b: 1, c: 2 } }), "a: c"],
    ["a missing member", strict, json(200, { a: {} }), "a.b"],
    ["another type of a member", strict, json(200, { a: { b: "1" } }), "a.b"],
    ["a status that the row lacks", strict, json(418, { error: "x" }), "no such status"],
    ["a member beside error", strict, json(400, { error: "x", hint: "y" }), "hint"],
    ["another content type", strict, plain(200, "text/html", "{}"), "Content-Type is text/html"],
    ["401 without its header", strict, json(401, { error: "x" }), "WWW-Authenticate"],
    ["a body where there is none", rowWith("nothing"), json(200, {}), "has a body"],
    ["events that fit, in pieces", rowWith(events), streamed("event: flow\nda", 'ta: {"at":1}\n\n')],
    ["an unknown event", rowWith(events), streamed("event: gap\ndata: {}\n\n"), 'no event "gap"'],
    [
      "an event with another member",
      rowWith(events),
      streamed('event: flow\ndata: {"at":1,"b":2}\n\n'),
      "event flow: : b",
    ],
  ])("finds in %s what differs", async (_what, row, reply, difference) => {
    const found = await differences(row, reply);
    expect(found).toEqual(difference === undefined ? [] : [expect.stringContaining(difference)]);
  });
});
