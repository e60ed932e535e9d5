/** A whole gateway whose console's users log in through an OpenID provider only. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { aGateway, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { anOpenIdProvider, CLIENT, type OpenIdProvider } from "../../kit/openid-provider.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const start = async (idp: OpenIdProvider, secret: string): Promise<TestGateway> => {
  const oidc = {
    issuer: idp.issuer,
    client_id: CLIENT.id,
    client_secret: "${file:client-secret}",
    claims: { role: "roles", tenants: "tenants" },
  };
  const config = { ...twoTenants("http://127.0.0.1:1"), admin: { bind: "127.0.0.1:0", oidc } };
  const gateway = await aGateway(config, ["alpha"], { "client-secret": `${secret}\n` });
  stops.push(gateway.stop);
  return gateway;
};

/** As a browser; resolves to the cookie of the session, or to the status of the callback. */
const logIn = async (admin: string, idp: OpenIdProvider): Promise<string | number> => {
  const begun = await fetch(`${admin}/api/session/oidc`, {
    method: "POST",
    headers: { Origin: admin },
    body: JSON.stringify({ return: "/" }),
  });
  const { address } = (await begun.json()) as { address: string };
  const [cookie] = begun.headers.getSetCookie()[0]!.split(";");
  const url = await idp.logIn(address, "maria");
  const done = await fetch(url, { headers: { Cookie: cookie! } });
  await done.text();
  const session = done.headers.getSetCookie().find((each) => /^ocsgw-\d+=/.test(each));
  return session?.split(";")[0] ?? done.status;
};

describe("a gateway with admin.oidc", () => {
  it("starts while the provider is down; its metrics need the token, which works", async () => {
    const idp = await anOpenIdProvider();
    await idp.stop();
    const { gateway } = await start(idp, CLIENT.secret);
    const ask = async (path: string, how: RequestInit = {}): Promise<[number, string]> => {
      const reply = await fetch(`${gateway.admin!}${path}`, how);
      return [reply.status, await reply.text()];
    };
    const [status, body] = await ask("/api/session");
    expect([status, JSON.parse(body)]).toEqual([
      401,
      { error: "nobody is logged in", passwords: false, provider: new URL(idp.issuer).host, problem: null },
    ]);
    const how = { method: "POST", headers: { Origin: gateway.admin! }, body: JSON.stringify({ return: "/" }) };
    expect((await ask("/api/session/oidc", how))[0]).toBe(503);
    expect((await ask("/metrics"))[0]).toBe(401);
    const token = { headers: { Authorization: "Bearer token" } };
    for (const path of ["/metrics", "/api/status"]) expect((await ask(path, token))[0], path).toBe(200);
  });

  it("logs users of some tenants in, and takes a new secret from its file without ending their sessions", async () => {
    const idp = await anOpenIdProvider();
    stops.push(idp.stop);
    idp.users.set("maria", { preferred_username: "maria", roles: ["auditor"], tenants: ["Beta Tenant"] });
    const { gateway, dir, journal } = await start(idp, CLIENT.secret);
    const admin = gateway.admin!;
    idp.serve(admin);
    const session = await logIn(admin, idp);
    const who = async (): Promise<unknown> =>
      (await fetch(`${admin}/api/session`, { headers: { Cookie: String(session) } })).json();
    expect(await who()).toMatchObject({ name: "maria (oidc)", roles: ["auditor"], tenants: [102] });

    const write = async (secret: string): Promise<void> => {
      await writeFile(join(dir, "new-secret"), secret, { mode: 0o600 });
      await rename(join(dir, "new-secret"), join(dir, "client-secret"));
      // As `ocsgw run` does when a file changes.
      const reloaded = await gateway.reload({ by: "watcher", whole: [join(dir, "client-secret")] });
      expect(reloaded).toMatchObject({ changes: ["admin.oidc.client_secret changed"] });
    };
    await write("not the provider's");
    expect(await logIn(admin, idp)).toBe(403);
    expect(await who()).toMatchObject({ name: "maria (oidc)" });
    await write(CLIENT.secret);
    expect(await logIn(admin, idp)).toMatch(/^ocsgw-\d+=/);
    const failed = (await journal()).filter((entry) => entry.kind === "access" && entry.operation === "login-failed");
    expect(failed[0]).toMatchObject({ user: "(unknown user)", reason: "invalid provider answer" });
  });
});
